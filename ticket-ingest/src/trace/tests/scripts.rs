//! JavaScript, PHP, Ruby, Elixir and Erlang.

use super::*;

#[test]
fn javascript_causes() {
    for (text, error, message) in [
        (include_str!("node_cause.txt"), "Error: cannot pay 1", None),
        (include_str!("node_log.txt"), "Error: cannot pay 2", Some("failed")),
    ] {
        let trace = read(text);
        assert_eq!(errors(&trace)[0], error);
        assert!(errors(&trace)[1].starts_with("RangeError: db "), "{trace:?}");
        assert_eq!(own(&trace)[0], "db /srv/shop/a.js:1");
        assert_eq!(own(&trace)[1], "pay /srv/shop/a.js:2");
        assert_eq!(trace.message.as_deref(), message);
    }
}

#[test]
fn javascript_groups_and_codes() {
    let trace = read(include_str!("node_agg.txt"));
    assert_eq!(
        errors(&trace),
        ["AggregateError: All promises were rejected", "TypeError: a", "Error: b"]
    );
    let trace = read(include_str!("node_code.txt"));
    assert_eq!(errors(&trace), ["Error: ENOENT: no such file or directory, open '/nope'"]);
    assert_eq!(own(&trace), ["Object.<anonymous> /srv/shop/a.js:6"]);
    let trace = read(include_str!("node_str.txt"));
    assert_eq!((errors(&trace), trace.other.as_str()), (vec!["thrown text".to_owned()], ""));
    let trace = read("TypeError [ERR_INVALID_ARG_TYPE]: The path\n    at f (node:fs:1:2)");
    assert_eq!(errors(&trace), ["TypeError [ERR_INVALID_ARG_TYPE]: The path"]);
}

#[test]
fn javascript_frames_of_other_runtimes() {
    let trace = read(
        "Uncaught TypeError: x is undefined\n    at async Promise.all (index 0)\n    at new Cart (file:///srv/cart.mjs:1:2)\n    at async pay (/srv/node_modules/a/b.js:3:4)\n",
    );
    assert_eq!(errors(&trace), ["TypeError: x is undefined"]);
    assert_eq!(
        frames(&trace),
        ["Promise.all", "*new Cart /srv/cart.mjs:1", "pay /srv/node_modules/a/b.js:3"]
    );
    let trace = read(
        "TypeError: x\npay@https://shop.example/cart.js:3:14\n@https://shop.example/a.js:9:1\n",
    );
    assert_eq!(own(&trace), ["pay https://shop.example/cart.js:3", " https://shop.example/a.js:9"]);
}

#[test]
fn php_uncaught_exceptions() {
    let trace = read(include_str!("php_type.txt"));
    assert_eq!(trace.causes[0].type_name.as_deref(), Some("TypeError"));
    assert!(trace.causes[0].message.ends_with("and defined"), "{trace:?}");
    assert_eq!(
        frames(&trace),
        [
            "*Shop\\Cart->pay /srv/shop/a.php:3",
            "*Shop\\f /srv/shop/a.php:6",
            "*{main} /srv/shop/a.php:13",
        ]
    );
    let trace = read(include_str!("php_chain.txt"));
    assert_eq!(errors(&trace), ["RuntimeException: cannot pay 1", "PDOException: gone 1"]);
    assert_eq!(own(&trace)[0], "Shop\\Cart->db /srv/shop/a.php:3");
    let trace = read(include_str!("php_closure.txt"));
    assert_eq!(errors(&trace), ["Exception: in closure\nline two"]);
    assert_eq!(frames(&trace)[..2], ["*Shop\\{closure} /srv/shop/a.php:8", "array_map"]);
}

#[test]
fn php_exceptions_in_the_context_of_a_message() {
    let trace = read(
        "x {\"userId\":1,\"exception\":\"[object] (Shop\\\\NoCard(code: 0): none at /srv/cart.php:3)\n[stacktrace]\n#0 /srv/vendor/a.php(5): Shop\\\\pay()\n#1 {main}\n\n[previous exception] [object] (PDOException(code: 2002): gone at /srv/db.php:9)\n[stacktrace]\n#0 /srv/cart.php(3): query()\n\"} \n",
    );
    assert_eq!(trace.message.as_deref(), Some("x"));
    assert_eq!(errors(&trace), ["Shop\\NoCard: none", "PDOException: gone"]);
    assert_eq!(own(&trace)[0], "query /srv/db.php:9");
    assert_eq!(trace.other, "");
    let trace = read(
        "cannot pay {\"exception\":\"[object] (RuntimeException(code: 0): none at /srv/cart.php:4)\"} []",
    );
    assert_eq!(
        (errors(&trace), own(&trace)),
        (vec!["RuntimeException: none".into()], vec![" /srv/cart.php:4".into()])
    );
}

#[test]
fn ruby_backtraces() {
    let trace = read(include_str!("ruby_chain.txt"));
    assert_eq!(errors(&trace), ["ArgumentError: no card 1", "IOError: gone 1"]);
    assert_eq!(own(&trace)[0], "db a.rb:3");
    let trace = read(include_str!("ruby_nil.txt"));
    assert_eq!(errors(&trace), ["NoMethodError: undefined method `foo' for nil:NilClass"]);
    let trace = read(
        "no card 2 (ArgumentError)\n/srv/app/cart.rb:7:in 'Cart#pay'\n/usr/lib/ruby/gems/3.4.0/gems/rack-3/lib/rack.rb:4:in 'call'\n",
    );
    assert_eq!(errors(&trace), ["ArgumentError: no card 2"]);
    assert_eq!(own(&trace), ["Cart#pay /srv/app/cart.rb:7"]);
    let trace = read("ZeroDivisionError (divided by 0):\n  \napp/controllers/x.rb:3:in `show'\n");
    assert_eq!(errors(&trace), ["ZeroDivisionError: divided by 0"]);
}

#[test]
fn terms_of_erlang() {
    let trace = read(
        "cannot pay order 17: error:{badkey,visa}\n[{erlang,map_get,[visa,#{}],[{error_info,#{module => erl_erts_errors}}]},\n {shop,pay,1,\n     [{file,\"src/shop.erl\"},{line,12}]},\n {lists,foreach_1,2,[{file,\"lists.erl\"},{line,1442}]}]\n",
    );
    assert_eq!(errors(&trace), ["badkey: {badkey,visa}"]);
    assert_eq!(own(&trace)[0], "shop:pay/1 src/shop.erl:12");
    let trace = read(
        "Error in process <0.81.0> with exit value:\n{{cannot_weigh,17},\n [{shop,ship,1,[{file,\"src/shop.erl\"},{line,15}]}]}\n",
    );
    assert_eq!(errors(&trace)[0].split(':').next(), Some("cannot_weigh"));
    assert_eq!(own(&trace), ["shop:ship/1 src/shop.erl:15"]);
}

#[test]
fn elixir_and_erlang_reports() {
    let trace = read(
        "GenServer #PID<0.103.0> terminating\n** (ArgumentError) no card 2\n    :erlang.map_get(\"visa\", %{})\n    (shop 0.1.0) lib/shop.ex:5: Shop.Server.pay/1\n    (stdlib 4.2) gen_server.erl:1149: :gen_server.try_handle_call/4\nLast message (from #PID<0.96.0>): {:pay, 2}\nState: %{a: 1}\n",
    );
    assert_eq!(trace.message.as_deref(), Some("GenServer #PID<0.103.0> terminating"));
    assert_eq!(errors(&trace), ["ArgumentError: no card 2"]);
    assert_eq!(own(&trace), ["Shop.Server.pay/1 shop/lib/shop.ex:5"]);
    assert_eq!(trace.other, "Last message (from #PID<0.96.0>): {:pay, 2}\nState: %{a: 1}");
    let trace = read(
        "crasher:\n    exception error: bad argument\n      in function  shop:pay/1 (src/shop.erl, line 12)\n      in call from gen_server:try_handle_call/4 (gen_server.erl, line 1123)\n",
    );
    assert_eq!(errors(&trace), ["error: bad argument"]);
    assert_eq!(own(&trace), ["shop:pay/1 src/shop.erl:12"]);
}
