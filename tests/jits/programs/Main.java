import java.lang.reflect.Field;
import sun.misc.Unsafe;

/** Warms its methods up until the compilers have them, then reads memory that is not there. */
public final class Main {
    private static final Unsafe UNSAFE = unsafe();

    private static Unsafe unsafe() {
        try {
            Field field = Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return (Unsafe) field.get(null);
        } catch (ReflectiveOperationException error) {
            throw new AssertionError(error);
        }
    }

    static int inner(long address) {
        return UNSAFE.getInt(address);
    }

    static int middle(long address, int depth) {
        return depth == 0 ? inner(address) : middle(address, depth - 1) + 1;
    }

    static int outer(long address) {
        int sum = 0;
        for (int round = 0; round < 4; round++) {
            sum += middle(address, round);
        }
        return sum;
    }

    public static void main(String[] arguments) {
        long good = UNSAFE.allocateMemory(64);
        UNSAFE.putInt(good, 7);
        long sum = 0;
        for (int round = 0; round < 20_000; round++) {
            sum += outer(good);
        }
        System.out.println("sum " + sum);
        if (arguments.length > 0) {
            outer(Long.decode(arguments[0]));
        }
    }
}
