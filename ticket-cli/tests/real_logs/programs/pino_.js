// Fails in three ways, each twice with other values, and logs it with pino.
const log = require("pino")({ name: "shop" }).child({ module: "cart" });

function pay(card) {
  return card.owner.name;
}

function ship(weight) {
  throw new RangeError(`${weight} kg are too many`, { cause: new TypeError("no scales") });
}

for (const number of [17, 4711]) {
  log.info("order %d begins", number);
  try {
    pay({});
  } catch (error) {
    log.error(error, "cannot pay order %d", number);
  }
  try {
    ship(number);
  } catch (err) {
    log.fatal({ err, order: number }, "cannot ship");
  }
  log.error({ order: number }, "order is lost");
}
