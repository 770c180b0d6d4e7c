# Regular expressions, hashes, sorting, formats, pipes and packing.
use strict; use warnings; use POSIX qw(floor strftime); use List::Util qw(sum reduce);
my %count; $count{$_}++ for split //, 'the quick brown fox jumps over the lazy dog';
print join(' ', map {"$_=$count{$_}"} sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count), "\n";
my $text = "2026-11-29 and 1999-01-31";
(my $turned = $text) =~ s/(\d+)-(\d+)-(\d+)/$3.$2.$1/g; print "$turned\n";
printf "%.15g %s %d %e %s\n", atan2(1, 1) * 4, sqrt(2), floor(-2.5), 12345.678, 0.1 + 0.2;
print sum(map { $_ ** 2 } 1 .. 100), ' ', (reduce { $a * $b } 1 .. 15), "\n";
print unpack('H*', pack('NnCa3d', 1, 2, 3, 'abc', 1.5)), "\n";
print strftime('%F %T', gmtime(1e9)), "\n";
open my $pipe, '-|', 'seq 1 20 | grep 1' or die; chomp(my @lines = <$pipe>); close $pipe;
print "@lines\n";
eval { die { code => 42 } }; print $@->{code}, "\n";
my $pid = fork // die; if (!$pid) { exit 9 } waitpid $pid, 0; print $? >> 8, "\n";
local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 60;
my @sorted = sort { $a <=> $b } map { ($_ * 7919) % 1009 } 1 .. 1000; print "@sorted[0..5]\n";
exit 11;
