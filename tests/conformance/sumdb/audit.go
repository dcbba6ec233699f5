// Audits an exported log with Go's own transparency log packages (golang.org/x/mod/sumdb/note and tlog), none of which
// knows Sigillo: the checkpoint's signature; the root, from every entry; every tile; inclusion of each hundredth entry;
// consistency with the earlier checkpoint that is given, if one is.
//
//	audit <vkey> <folder> [<earlier checkpoint>]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

// folder reads tiles as c2sp.org/tlog-tiles names them.
type folder string

func (f folder) Height() int                     { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(f.path(strconv.Itoa(tile.L), tile.N, tile.W))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) path(level string, n int64, w int) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if w < width {
		name += fmt.Sprintf(".p/%d", w)
	}
	return filepath.Join(string(f), "tile", level, filepath.FromSlash(name))
}

// entries reads all bundles.
func (f folder) entries(size int64) (found [][]byte) {
	for n := int64(0); n*width < size; n++ {
		w := int(min(width, size-n*width))
		data, err := os.ReadFile(f.path("entries", n, w))
		must(err)
		for i := 0; i < w; i++ {
			length := int(binary.BigEndian.Uint16(data))
			found, data = append(found, data[2:2+length]), data[2+length:]
		}
		if len(data) > 0 {
			log.Fatalf("bundle %d holds more than its entries", n)
		}
	}
	return found
}

func main() {
	vkey, from := os.Args[1], folder(os.Args[2])
	tree := open(vkey, filepath.Join(string(from), "checkpoint"))
	entries := from.entries(tree.N)
	if root := rebuilt(entries); root != tree.Hash {
		log.Fatalf("the entries make the root %v, the checkpoint has %v", root, tree.Hash)
	}
	tiles := tlog.TileHashReader(tree, from)
	for i := int64(0); i < tree.N; i++ {
		stored, err := tiles.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		must(err)
		leaf := tlog.RecordHash(entries[i])
		if stored[0] != leaf {
			log.Fatalf("entry %d is not what its tile says", i)
		}
		if i%100 == 0 {
			proof, err := tlog.ProveRecord(tree.N, i, tiles)
			must(err)
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf))
		}
	}
	if len(os.Args) > 3 {
		before := open(vkey, os.Args[3])
		proof, err := tlog.ProveTree(tree.N, before.N, tiles)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash))
	}
	fmt.Printf("sound: %d entries\n", tree.N)
}

// open verifies a checkpoint and reads its tree.
func open(vkey, file string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	data, err := os.ReadFile(file)
	must(err)
	signed, err := note.Open(data, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(signed.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

// rebuilt is the root over all entries, with no tile read.
func rebuilt(entries [][]byte) tlog.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, _ error) {
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		must(err)
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(entries)), reader)
	must(err)
	return root
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
