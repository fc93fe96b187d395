<?php
// Fails in three ways, each twice with other values, and logs it with Monolog.
namespace Shop;

require 'Monolog/autoload.php';

use Monolog\Formatter\JsonFormatter;
use Monolog\Formatter\LineFormatter;
use Monolog\Handler\StreamHandler;
use Monolog\Logger;

$handler = new StreamHandler('php://stderr');
if ($argv[1] === 'json') {
    $handler->setFormatter(new JsonFormatter());
    $handler->getFormatter()->includeStacktraces();
} elseif ($argv[1] === 'traces') {
    $handler->setFormatter(new LineFormatter());
    $handler->getFormatter()->includeStacktraces();
}
$log = new Logger('shop', [$handler]);

function pay(string $card)
{
    throw new \DomainException("no card $card");
}

function ship(int $weight)
{
    try {
        return intdiv($weight, 0);
    } catch (\DivisionByZeroError $error) {
        throw new \RuntimeException("cannot weigh $weight", 3, $error);
    }
}

foreach (['visa' => 17, 'amex' => 4711] as $card => $number) {
    $log->info("order $number begins");
    try {
        pay($card);
    } catch (\DomainException $exception) {
        $log->error('cannot pay', ['exception' => $exception, 'order' => $number]);
    }
    try {
        ship($number);
    } catch (\RuntimeException $exception) {
        $log->critical('cannot ship', ['exception' => $exception, 'order' => $number]);
    }
    $log->error("order $number is lost");
}
