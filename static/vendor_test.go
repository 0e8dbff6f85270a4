package static_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"weir/static"
)

// What others wrote is embedded as they published it. scripts/vendor.sh prints these sums.
func TestVendored(t *testing.T) {
	want := map[string]string{
		"redoc.LICENSE.txt":                "02c01d2ca84c2e845a48602cbb51c82b4fa25120b30b7e85045d940db50d15eb",
		"redoc.standalone.js":              "8c70c2de83d33e33a75b225e573d6d9fe851f066f824b44b1637d831d52d7543",
		"swagger-ui-bundle.js":             "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
		"swagger-ui-bundle.js.LICENSE.txt": "37eb6e7e59aed57b2c1acf076574b818ea07b74265717e0bd67b59e0baf9abbb",
		"swagger-ui.LICENSE.txt":           "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
		"swagger-ui.NOTICE.txt":            "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2",
		"swagger-ui.css":                   "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
		"uplot.LICENSE.txt":                "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
		"uplot.css":                        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
		"uplot.js":                         "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
		"uqr.LICENSE.txt":                  "b39d50e24727f341a0ebdb2ab040c57efaf4076a8ad5b1d0c8c45beb975b4571",
		"uqr.js":                           "7f0e61c2f13bb3724edee7bfb876e13c54ac9ee4fcfa283c9fa93cfb1241c325",
	}
	entries, err := os.ReadDir("vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile("vendor/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != want[entry.Name()] {
			t.Errorf("%s has SHA-256 %s, not %q", entry.Name(), got, want[entry.Name()])
		}
		delete(want, entry.Name())
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

// THIRD_PARTY.md names the packages and versions that scripts/vendor.sh fetches.
func TestVendoredAreNamed(t *testing.T) {
	script, err := os.ReadFile("../scripts/vendor.sh")
	if err != nil {
		t.Fatal(err)
	}
	thirdParty, err := os.ReadFile("../THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	packages := 0
	for line := range strings.Lines(string(script)) {
		spec, ok := strings.CutPrefix(line, "unpack ")
		if !ok {
			continue
		}
		packages++
		spec, _, _ = strings.Cut(spec, " ")
		name, version, _ := strings.Cut(spec, "@")
		if row := "| " + name + " | " + version + " |"; !strings.Contains(string(thirdParty), row) {
			t.Errorf("THIRD_PARTY.md has no row %q", row)
		}
	}
	if packages == 0 {
		t.Error("scripts/vendor.sh fetches nothing")
	}
}

func TestServePacked(t *testing.T) {
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("vendor/swagger-ui-bundle.js")
	if err != nil {
		t.Fatal(err)
	}
	get := func(name, takes, ifNoneMatch string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept-Encoding", takes)
		r.Header.Set("If-None-Match", ifNoneMatch)
		w := httptest.NewRecorder()
		if err := files.Serve(w, r, name, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		return w
	}
	const large, small = "vendor/swagger-ui-bundle.js", "icon.svg"
	for takes, want := range map[string]string{
		"gzip, deflate, br": "gzip", "br;q=1, GZIP ; q=0.5": "gzip", "*": "gzip", "*;q=0, gzip": "gzip",
		"": "", "identity": "", "gzip;q=0": "", "gzip;q=0.000, *": "", "br": "", "gzip;q=x": "",
	} {
		w := get(large, takes, "")
		if got := w.Header().Get("Content-Encoding"); got != want || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q, Vary %q", takes, got, w.Header().Get("Vary"))
		}
	}
	plain, packed := get(large, "", ""), get(large, "gzip", "")
	if plain.Header().Get("ETag") == packed.Header().Get("ETag") {
		t.Errorf("one ETag %s for both", plain.Header().Get("ETag"))
	}
	if w := get(large, "gzip", packed.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("what is known already: %d, %d bytes", w.Code, w.Body.Len())
	}
	if packed.Body.Len() > len(whole)/2 {
		t.Errorf("packed to %d of %d bytes", packed.Body.Len(), len(whole))
	}
	r, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, whole) || !bytes.Equal(plain.Body.Bytes(), whole) {
		t.Errorf("what comes out is not what went in: %v", err)
	}
	if w := get(small, "gzip", ""); w.Header().Get("Content-Encoding") != "" || w.Header().Get("Vary") != "" {
		t.Errorf("a small file: %v", w.Header())
	}
}
