package shop;

import java.io.IOException;
import java.math.BigDecimal;
import rates.Rates;

/** Prints the price of an order with its tax. */
public final class Main {
  public static void main(String[] arguments) throws IOException {
    BigDecimal net = new BigDecimal(arguments[1]);
    System.out.println(net.add(net.multiply(Rates.of(arguments[0]))));
    try (var places = Main.class.getResourceAsStream("/places.bin")) {
      System.out.println(places == null ? 0 : places.readAllBytes().length);
    }
  }
}
