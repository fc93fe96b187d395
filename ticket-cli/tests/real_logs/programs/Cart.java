// Fails in three ways, each twice with other values, and logs it with `java.util.logging`.
package shop;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

public final class Cart {
    private static final Logger LOG = Logger.getLogger("shop.Cart");

    private static Object pay(String card) {
        return List.of().get(card.length());
    }

    private static void ship(int weight) {
        try {
            System.out.print(weight / 0);
        } catch (ArithmeticException cause) {
            throw new IllegalStateException("cannot weigh " + weight, cause);
        }
    }

    public static void main(String[] arguments) {
        for (int number : new int[] {17, 4711}) {
            LOG.log(Level.INFO, "order {0} begins", number);
            try {
                pay("card " + number);
            } catch (IndexOutOfBoundsException error) {
                LOG.log(Level.SEVERE, "cannot pay order " + number, error);
            }
            try {
                ship(number);
            } catch (IllegalStateException error) {
                LOG.log(Level.SEVERE, "cannot ship order " + number, error);
            }
            LOG.warning("order " + number + " is lost");
        }
    }
}
