<?php
// Ends with an uncaught exception.
namespace Shop;

function pay(int $card)
{
    return $card;
}

function ship(int $weight)
{
    try {
        return intdiv($weight, 0);
    } catch (\DivisionByZeroError $error) {
        throw new \RuntimeException("cannot weigh $weight", 3, $error);
    }
}

[, $way, $number] = $argv;
if ($way === 'pay') {
    pay("card $number");
} elseif ($way === 'ship') {
    ship((int) $number);
} else {
    throw new \DomainException("order $number is lost");
}
