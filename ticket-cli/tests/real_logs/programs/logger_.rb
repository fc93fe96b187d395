# Fails in three ways, each twice with other values, and logs it with `Logger`.
require "logger"

log = Logger.new($stderr, progname: "shop")

def pay(card)
  {}.fetch(card)
end

def ship(weight)
  weight / 0
rescue ZeroDivisionError
  raise ArgumentError, "cannot weigh #{weight}"
end

{ "visa" => 17, "amex" => 4711 }.each do |card, number|
  log.info("order #{number} begins")
  begin
    pay(card)
  rescue KeyError => error
    log.error(error)
  end
  begin
    ship(number)
  rescue ArgumentError => error
    log.fatal("cannot ship order #{number}: #{error.full_message(highlight: false)}")
  end
  log.error("order #{number} is lost")
end
