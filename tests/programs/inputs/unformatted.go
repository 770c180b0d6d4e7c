package main

import (
"fmt"
    "sync"
)

type pair struct { a, b int ; name string }

func main() {
var group sync.WaitGroup
  for i := 0;i<10 ;i++ { group.Add( 1 ); go func() { defer group.Done(); fmt.Println( i*2+1 , pair{a:1,b :2}) }() }
group.Wait( )
	switch x:=3;{ case x>2: fmt.Println("x"); default: }
}
