//! Lines that programs write, in the groups of the statements that write them.

use super::super::template;

/// Each group has the lines of one statement.
const STATEMENTS: &[&[&str]] = &[
    &[
        "Accepted publickey for deploy from 10.1.2.3 port 50122 ssh2: RSA SHA256:7x8gYc0o",
        "Accepted publickey for root from 192.168.4.20 port 2201 ssh2: RSA SHA256:aJ9/Tq1+z",
    ],
    &[
        "pam_unix(sshd:session): session opened for user deploy by (uid=0)",
        "pam_unix(sshd:session): session opened for user root by (uid=1000)",
    ],
    &[
        "pam_unix(sshd:session): session closed for user deploy",
        "pam_unix(sshd:session): session closed for user www-data",
    ],
    &[
        "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.1  user=root",
        "authentication failure; logname=bob uid=0 euid=0 tty= ruser=eve rhost=a.example.com user=bin",
    ],
    &[
        "reverse mapping checking getaddrinfo for mail.example.org [10.0.0.1] failed",
        "reverse mapping checking getaddrinfo for static-10-1-2-3.example.net [10.1.2.3] failed",
    ],
    &[
        "Too many authentication failures for admin [preauth]",
        "Too many authentication failures for bob [preauth]",
    ],
    &[
        "DHCPREQUEST for 10.0.0.17 from 00:1b:44:11:3a:b7 via eth0",
        "DHCPREQUEST for 10.0.0.240 from aa:bb:cc:dd:ee:ff via wlan1",
    ],
    &["synchronized to 10.0.0.1, stratum 3", "synchronized to ntp1.example.net, stratum 2"],
    &["eth0: link up, 1000Mbps, full-duplex", "enp3s0: link up, 100Mbps, full-duplex"],
    &[
        "CPU3: Core temperature above threshold, cpu clock throttled",
        "CPU12: Core temperature above threshold, cpu clock throttled",
    ],
    &[
        "Out of memory: Killed process 4711 (java) total-vm:8123456kB",
        "Out of memory: Killed process 17 (java) total-vm:99kB",
    ],
    &[
        "EXT4-fs (sda1): mounted filesystem with ordered data mode",
        "EXT4-fs (nvme0n1p2): mounted filesystem with ordered data mode",
    ],
    &[
        "segfault at 0 ip 00007f3a sp 00007ffd error 4 in libc.so.6[7f3a+1c0]",
        "segfault at 18 ip 000055d0 sp 00007ffc error 4 in libc.so.6[7f11+1c0]",
    ],
    &["Started Session 17 of user root.", "Started Session c2 of user deploy."],
    &[
        "Unit nginx.service entered failed state.",
        "Unit postgresql@15-main.service entered failed state.",
    ],
    &[
        "Deleted block blk_-16 file /data/1/blk_-16",
        "Deleted block blk_900 file /mnt/disk-2/blk_900",
    ],
    &[
        "Receiving block blk_-16 src: /10.0.0.1:54106 dest: /10.0.0.2:50010",
        "Receiving block blk_7 src: /10.9.0.1:33 dest: /10.0.0.3:50010",
    ],
    &[
        "Starting task 0.0 in stage 3.0 (TID 17, worker1, partition 4, PROCESS_LOCAL, 2166 bytes)",
        "Starting task 39.0 in stage 28.0 (TID 400, mesos-slave-22, partition 9, PROCESS_LOCAL, 5.1 KB)",
    ],
    &[
        "Session 0x14ed93111f20057 for server null, unexpected error",
        "Session 0x0 for server null, unexpected error",
    ],
    &["Notification time out: 3200", "Notification time out: 51200"],
    &[
        "close, 0 bytes sent, 1054 bytes received, lifetime <1 sec",
        "close, 512 bytes sent, 7 bytes received, lifetime 10:02",
    ],
    &[
        "www.example.com:443 open through proxy cache.example.net:8080",
        "10.0.0.7:80 open through proxy proxy.example.org:8080",
    ],
    &["Connection to redis-master.svc.local:6379 lost", "Connection to cache.internal:6379 lost"],
    &[
        "consumer group=billing-17 topic=orders partition=3 lag=1200",
        "consumer group=mail topic=events_v2 partition=12 lag=0",
    ],
    &[
        "Back-off restarting failed container=web pod=web-5d4f8c7b9-k2x8z_shop(1f2e)",
        "Back-off restarting failed container=db pod=db-0_shop(9a)",
    ],
    &["query took 1.2s: rows=17", "query took 980ms: rows=400213"],
    &[
        "[client 10.0.0.1:3311] File does not exist: /var/www/favicon.ico",
        "[client 10.2.3.4:9] File does not exist: /var/www/a/b.php",
    ],
    &[
        "jk2_init() Found child 2085 in scoreboard slot 12",
        "jk2_init() Found child 17 in scoreboard slot 6",
    ],
    &[
        "mail from jo@example.com to eve@example.org deferred",
        "mail from root@localhost to a.b@example.co.uk deferred",
    ],
    &[
        "certificate for *.example.com expires Nov 21 10:47:20 2026 GMT",
        "certificate for api.example.org expires Sat, 1 Aug 2027 00:00:00 +0000",
    ],
    &["GC pause 17.3 ms, heap 1.5 GiB -> 980 MiB", "GC pause 1.2 s, heap 12 GB -> 3 GB"],
    &["lock acquired by worker-3 after 5 attempts", "lock acquired by Thread-17 after 12 attempts"],
    &[
        "checksum mismatch: expected 9f86d081, got 2c26b46b",
        "checksum mismatch: expected 12345678, got ffffffff",
    ],
    &["Invoice{id=17} is overdue by 3 days", "Invoice{id=a1b2} is overdue by 1 day"],
    &["cannot convert \"12,5\" to a number", "cannot convert \"\" to a number"],
    &["upload of photo-17.jpg failed: disk full", "upload of report.pdf failed: disk full"],
    &[
        "upload of photo-17.jpg failed: connection reset",
        "upload of a.zip failed: connection reset",
    ],
    &[
        "10.0.0.1 - bob [21/Nov/2026:10:47:20 +0000] \"GET /a HTTP/1.1\" 200 17",
        "10.0.0.2 - bob [1/Dec/2026:00:00:00 +0100] \"GET /b/c?d=e HTTP/1.1\" 404 9",
    ],
    &["10.0.0.1 - bob [21/Nov/2026:10:47:20 +0000] \"POST /a HTTP/1.1\" 201 17"],
    &["Deadlock found when trying to get lock", "Deadlock found when trying to get lock"],
    &["exit code 1 of job-17", "exit code 1 of job-4711"],
    &["exit code 137 of job-17"],
    &["retry 3 of 5 in 250 ms", "retry 1 of 12 in 2 s"],
    &[
        "connect from unknown[10.0.0.1]",
        "connect from mail.example.com[10.2.3.4]",
        "connect from mail[10.2.3.4]",
        "connect from mail",
        "connect from ::1",
    ],
    &[
        "imap-login: Login: user=<bob>, rip=10.0.0.1, session=<q8Y/zz+2>",
        "imap-login: Login: user=<eve@example.org>, rip=a.example.net, session=<abc>",
    ],
    &["sender <bob@example.com> is not a member", "sender <eve@example.org> is not a member"],
    &["(root) CMD (/usr/lib64/sa/sa1 1 1)", "(root) CMD (cd / && run-parts /etc/cron.hourly)"],
    &["Kernel command line: root=/dev/sda1 ro quiet", "Kernel command line: ro rhgb"],
    &[
        "Invalid user bob from 10.0.0.1 port 22",
        "Invalid user user from 10.0.0.1 port 22",
        "Invalid user data from 10.0.0.1 port 22",
        "Invalid user  from 10.0.0.1 port 22",
    ],
    &[
        "input_userauth_request: invalid user bob [preauth]",
        "input_userauth_request: invalid user admin [preauth]",
        "input_userauth_request: invalid user access [preauth]",
        "input_userauth_request: invalid user  [preauth]",
    ],
    &[
        "Failed keyboard-interactive/pam for bob from 10.0.0.1 port 22 ssh2",
        "Failed keyboard-interactive/pam for session from 2001:db8::be port 22 ssh2",
    ],
    &[
        "pam_unix(su:session): session opened for user bob(uid=1000) by (uid=0)",
        "pam_unix(su:session): session opened for user root(uid=0) by (uid=0)",
    ],
    &[
        "pam_unix(sudo:session): session opened for user root(uid=0) by bob(uid=1000)",
        "pam_unix(sudo:session): session opened for user root(uid=0) by eve(uid=1001)",
    ],
    &["password check failed for user (root)", "password check failed for user (www-data)"],
    &["USER bob: Login successful.", "USER backup: Login successful."],
    &[
        "bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/ls -l /root",
        "eve : TTY=unknown ; PWD=/ ; USER=postgres ; COMMAND=/usr/bin/psql",
    ],
    &[
        "bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
        "eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/cat /etc/shadow",
    ],
    &["(root) RELOAD (crontabs/root)", "(bob) RELOAD (crontabs/bob)"],
    &[
        "lost connection after AUTH from mail[10.0.0.1]",
        "lost connection after AUTH from mail.example.com[10.2.3.4]",
    ],
    &[
        "authenticator failed for (hydra) [10.0.0.1]:3311: 535 Incorrect authentication data",
        "authenticator failed for a.example.com [10.2.3.4]:9: 535 Incorrect authentication data",
    ],
    &["refused connect from gw (10.0.0.1)", "refused connect from 10.0.0.7 (10.0.0.7)"],
    &["no answer of ::ffff:10.0.0.1", "no answer of aaaa:bbbb::1:17", "no answer of 2001:db8::be"],
    &[
        "uploading to s3.example.com:443 is slow",
        "uploading to cdn.example.com:443 is slow",
        "uploading to a_b.cdn.site:443 is slow",
    ],
    &["domain root_domain is not served", "domain var_backup_17 is not served"],
    &["no heartbeat of rack_E282", "no heartbeat of rack_E17", "no heartbeat of rack_I8"],
    &["Write cache of sda is enabled", "Write cache of nvme0n1 is enabled"],
];

#[test]
fn lines_are_grouped_by_the_statement_that_wrote_them() {
    let templates: Vec<Vec<String>> =
        STATEMENTS.iter().map(|lines| lines.iter().map(|line| template(line)).collect()).collect();
    for (number, group) in templates.iter().enumerate() {
        for (line, found) in STATEMENTS[number].iter().zip(group) {
            assert_eq!(found, &group[0], "{line:?} and {:?}", STATEMENTS[number][0]);
        }
        for (other, found) in STATEMENTS[..number].iter().zip(&templates) {
            assert_ne!(found[0], group[0], "{:?} and {:?}", other[0], STATEMENTS[number][0]);
        }
    }
}
