// Fails in three ways, each twice with other values, and logs it as NLog's usual layout does.
using System;
using System.Collections.Generic;

namespace Shop
{
    static class Cart
    {
        static string Pay(string card)
        {
            return new Dictionary<string, string>()[card];
        }

        static int Ship(int weight)
        {
            try
            {
                return weight / (weight - weight);
            }
            catch (DivideByZeroException error)
            {
                throw new InvalidOperationException("cannot weigh " + weight, error);
            }
        }

        static void Log(string level, string text)
        {
            var time = DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm:ss.ffff");
            Console.Error.WriteLine(time + "|" + level + "|Shop.Cart|" + text);
        }

        static void Fail(string card, int number)
        {
            Log("INFO", "order " + number + " begins");
            try { Pay(card); } catch (Exception error) { Log("ERROR", "cannot pay order " + number + " " + error); }
            // Others write the exception in the lines below.
            try { Ship(number); } catch (Exception error) { Log("ERROR", "cannot ship order " + number + "\n" + error); }
            Log("WARN", "order " + number + " is lost");
        }

        static void Main()
        {
            Fail("visa", 17);
            Fail("amex", 4711);
        }
    }
}
