using System;

class Boom {
    static unsafe int Deep(int* place, int count) {
        int sum = 0;
        for (int i = 0; i < count; i++) sum += place[i];
        return sum;
    }

    static unsafe int Outer(int count) {
        int one = 5, sum = 0;
        for (int i = 0; i < 100; i++) sum += Deep(&one, 1);
        Console.WriteLine(sum);
        return Deep((int*)0x100000000000L, count);
    }

    static void Main() { Console.WriteLine(Outer(4)); }
}
