"""Fails in three ways, each twice with other values, and logs it with loguru."""

import sys

from loguru import logger

if sys.argv[1] == "json":
    logger.remove()
    logger.add(sys.stderr, serialize=True)


def pay(card):
    return {}[card]


def ship(weight):
    return weight / 0


for number, card in enumerate(["visa", "amex"], 17):
    logger.info("order {} begins", number)
    try:
        pay(card)
    except KeyError:
        logger.exception("cannot pay order {}", number)
    try:
        ship(number)
    except ZeroDivisionError:
        logger.exception("cannot ship order {}", number)
    logger.error("order {} is lost", number)
