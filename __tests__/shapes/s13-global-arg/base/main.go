// Version prints its version.
package main

import "fmt"

var version = "unknown"

func main() { fmt.Println(version) }
