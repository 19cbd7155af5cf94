package deps

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fileName   = regexp.MustCompile("`([a-z]+/[a-z0-9_/]+\\.go)`")
	methodName = regexp.MustCompile("`(Conn|Command)\\.([A-Z][A-Za-z]*)`")
)

// What docs/rfc-coverage.md says is there must be there: it is what people decide by.
func TestCoverageNamesWhatExists(t *testing.T) {
	const root, doc = "../..", "docs/rfc-coverage.md"
	text, err := os.ReadFile(filepath.Join(root, doc))
	if err != nil {
		t.Fatal(err)
	}
	files := fileName.FindAllStringSubmatch(string(text), -1)
	for _, m := range files {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("%s names %s: %v", doc, m[1], err)
		}
	}
	have := map[string]bool{}
	addMethods(t, have, filepath.Join(root, "imapclient"))
	addMethods(t, have, filepath.Join(root, "imapwire"))
	methods := methodName.FindAllStringSubmatch(string(text), -1)
	for _, m := range methods {
		if name := m[1] + "." + m[2]; !have[name] {
			t.Errorf("%s names %s, which does not exist", doc, name)
		}
	}
	if len(files) < 50 || len(methods) < 20 {
		t.Errorf("found only %d files and %d methods in %s", len(files), len(methods), doc)
	}
}

// addMethods adds "Type.Method" for the methods declared in the package in dir.
func addMethods(t *testing.T, have map[string]bool, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			if ptr, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok {
				if name, ok := ptr.X.(*ast.Ident); ok {
					have[name.Name+"."+f.Name.Name] = true
				}
			}
		}
	}
}
