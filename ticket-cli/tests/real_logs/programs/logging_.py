"""Fails in three ways, each twice with other values, and logs it with `logging`."""

import logging
import sys

FORMATS = {
    "basic": logging.BASIC_FORMAT,
    "dashes": "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "spaces": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "thread": "%(asctime)s %(levelname)s (%(threadName)s) [%(name)s] %(message)s",
    "place": "%(asctime)s [%(levelname)s] %(name)s:%(lineno)d: %(message)s",
}
logging.basicConfig(format=FORMATS[sys.argv[1]], level="INFO")
log = logging.getLogger("shop.cart")


def pay(card):
    return {}[card]


def ship(weight):
    return weight / 0


for number, card in enumerate(["visa", "amex"], 17):
    log.info("order %d begins", number)
    try:
        pay(card)
    except KeyError:
        log.exception("cannot pay order %d", number)
    try:
        ship(number)
    except ZeroDivisionError as error:
        log.error("cannot ship order %d", number, exc_info=error)
    log.error("order %d is lost", number)
