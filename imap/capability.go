package imap

import (
	"slices"
	"strconv"
	"strings"
)

// Capability is one word of a CAPABILITY response, in upper case: "IDLE", "AUTH=PLAIN".
type Capability string

// Capabilities that change what this module sends. Any other word works as well.
const (
	CapIMAP4rev1        Capability = "IMAP4REV1"
	CapIMAP4rev2        Capability = "IMAP4REV2"
	CapStartTLS         Capability = "STARTTLS"
	CapLoginDisabled    Capability = "LOGINDISABLED"
	CapSASLIR           Capability = "SASL-IR"               // RFC 4959
	CapID               Capability = "ID"                    // RFC 2971
	CapIdle             Capability = "IDLE"                  // RFC 2177
	CapNamespace        Capability = "NAMESPACE"             // RFC 2342
	CapLiteralPlus      Capability = "LITERAL+"              // RFC 7888
	CapLiteralMinus     Capability = "LITERAL-"              // RFC 7888
	CapUIDPlus          Capability = "UIDPLUS"               // RFC 4315
	CapUnselect         Capability = "UNSELECT"              // RFC 3691
	CapEnable           Capability = "ENABLE"                // RFC 5161
	CapCondStore        Capability = "CONDSTORE"             // RFC 7162
	CapQResync          Capability = "QRESYNC"               // RFC 7162
	CapESearch          Capability = "ESEARCH"               // RFC 4731
	CapSearchRes        Capability = "SEARCHRES"             // RFC 5182
	CapMove             Capability = "MOVE"                  // RFC 6851
	CapUTF8Accept       Capability = "UTF8=ACCEPT"           // RFC 6855
	CapUTF8Only         Capability = "UTF8=ONLY"             // RFC 6855
	CapNotify           Capability = "NOTIFY"                // RFC 5465
	CapCompressDeflate  Capability = "COMPRESS=DEFLATE"      // RFC 4978
	CapListExtended     Capability = "LIST-EXTENDED"         // RFC 5258
	CapListStatus       Capability = "LIST-STATUS"           // RFC 5819
	CapSpecialUse       Capability = "SPECIAL-USE"           // RFC 6154
	CapCreateSpecialUse Capability = "CREATE-SPECIAL-USE"    // RFC 6154
	CapChildren         Capability = "CHILDREN"              // RFC 3348
	CapListMyRights     Capability = "LIST-MYRIGHTS"         // RFC 8440
	CapListMetadata     Capability = "LIST-METADATA"         // RFC 9590
	CapXList            Capability = "XLIST"                 // Gmail, before RFC 6154
	CapACL              Capability = "ACL"                   // RFC 4314
	CapQuota            Capability = "QUOTA"                 // RFC 9208
	CapQuotaSet         Capability = "QUOTASET"              // RFC 9208
	CapMetadata         Capability = "METADATA"              // RFC 5464
	CapMetadataServer   Capability = "METADATA-SERVER"       // RFC 5464
	CapAppendLimit      Capability = "APPENDLIMIT"           // RFC 7889
	CapMultiAppend      Capability = "MULTIAPPEND"           // RFC 3502
	CapCatenate         Capability = "CATENATE"              // RFC 4469
	CapReplace          Capability = "REPLACE"               // RFC 8508
	CapURLAuth          Capability = "URLAUTH"               // RFC 4467
	CapURLAuthBinary    Capability = "URLAUTH=BINARY"        // RFC 5524
	CapAnnotate         Capability = "ANNOTATE-EXPERIMENT-1" // RFC 5257
	CapBinary           Capability = "BINARY"                // RFC 3516
	CapObjectID         Capability = "OBJECTID"              // RFC 8474
	CapPreview          Capability = "PREVIEW"               // RFC 8970
	CapSaveDate         Capability = "SAVEDATE"              // RFC 8514
	CapStatusSize       Capability = "STATUS=SIZE"           // RFC 8438
	CapLanguage         Capability = "LANGUAGE"              // RFC 5255
	CapI18NLevel2       Capability = "I18NLEVEL=2"           // RFC 5255
	CapUnauthenticate   Capability = "UNAUTHENTICATE"        // RFC 8437
	CapInProgress       Capability = "INPROGRESS"            // RFC 9585
	CapJMAPAccess       Capability = "JMAPACCESS"            // RFC 9698
	CapUIDOnly          Capability = "UIDONLY"               // RFC 9586
	CapPartial          Capability = "PARTIAL"               // RFC 9394
	CapWithin           Capability = "WITHIN"                // RFC 5032
	CapSort             Capability = "SORT"                  // RFC 5256
	CapSortDisplay      Capability = "SORT=DISPLAY"          // RFC 5957
	CapESort            Capability = "ESORT"                 // RFC 5267
	CapContextSearch    Capability = "CONTEXT=SEARCH"        // RFC 5267
	CapContextSort      Capability = "CONTEXT=SORT"          // RFC 5267
	CapFuzzy            Capability = "SEARCH=FUZZY"          // RFC 6203
	CapFilters          Capability = "FILTERS"               // RFC 5466
	CapMultiSearch      Capability = "MULTISEARCH"           // RFC 7377
	CapGmail            Capability = "X-GM-EXT-1"            // Gmail
)

// Capabilities is what a server says it can do. The zero value has nothing.
type Capabilities []Capability

// ParseCapabilities reads the words of a CAPABILITY response or response code. They become upper case, but for the
// URL of IMAPSIEVE (RFC 6785), whose case counts.
func ParseCapabilities(text string) Capabilities {
	words := strings.Fields(text)
	caps := make(Capabilities, len(words))
	for i, w := range words {
		name, value, _ := strings.Cut(w, "=")
		if strings.EqualFold(name, "IMAPSIEVE") {
			caps[i] = Capability("IMAPSIEVE=" + value)
			continue
		}
		caps[i] = Capability(strings.ToUpper(w))
	}
	return caps
}

// rev2Implies are the extensions that IMAP4rev2 contains (RFC 9051 appendix E).
var rev2Implies = Capabilities{
	CapNamespace, CapUnselect, CapUIDPlus, CapESearch, CapSearchRes, CapEnable, CapIdle, CapSASLIR,
	CapListExtended, CapListStatus, CapMove, CapLiteralMinus, CapBinary, CapSpecialUse, CapStatusSize,
}

// Has reports whether the server can do want, said so or implied: IMAP4rev2 contains a number of
// extensions (RFC 9051 appendix E), QRESYNC contains CONDSTORE (RFC 7162 section 3.2.3), LITERAL+
// contains LITERAL- (RFC 7888 section 5), UTF8=ONLY contains UTF8=ACCEPT (RFC 6855 section 6), and METADATA
// contains METADATA-SERVER (RFC 5464 section 1).
func (c Capabilities) Has(want Capability) bool {
	if slices.Contains(c, want) {
		return true
	}
	switch want {
	case CapCondStore:
		return slices.Contains(c, CapQResync)
	case CapEnable:
		// RFC 7162 section 3.2.3: a QRESYNC server has ENABLE.
		return slices.Contains(c, CapQResync) || slices.Contains(c, CapIMAP4rev2)
	case CapUTF8Accept:
		return slices.Contains(c, CapUTF8Only)
	case CapMetadataServer:
		return slices.Contains(c, CapMetadata)
	case CapLiteralMinus:
		return slices.Contains(c, CapLiteralPlus) || slices.Contains(c, CapIMAP4rev2)
	}
	return slices.Contains(rev2Implies, want) && slices.Contains(c, CapIMAP4rev2)
}

// Auth returns the SASL mechanisms offered, in upper case: the words after "AUTH=".
func (c Capabilities) Auth() []string { return c.values("AUTH=") }

// QuotaResources returns the resources that quotas can limit (RFC 9208 section 3.1), in upper case: the
// words after "QUOTA=RES-". None means that the server does not say, as those of RFC 2087 do not.
func (c Capabilities) QuotaResources() []string { return c.values("QUOTA=RES-") }

// HasAuth reports whether the SASL mechanism is offered.
func (c Capabilities) HasAuth(mechanism string) bool {
	return slices.Contains(c, Capability("AUTH="+strings.ToUpper(mechanism)))
}

// Value returns what follows "name=" in the first word that starts so: "35651584" for
// Value("APPENDLIMIT") where the server says APPENDLIMIT=35651584.
func (c Capabilities) Value(name string) (string, bool) {
	if v := c.values(strings.ToUpper(name) + "="); len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// Limit is [Capabilities.Value] as a number, for APPENDLIMIT (RFC 7889) and MESSAGELIMIT (RFC 9738).
func (c Capabilities) Limit(name string) (uint64, bool) {
	v, ok := c.Value(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(v, 10, 63)
	return n, err == nil
}

func (c Capabilities) values(prefix string) []string {
	var out []string
	for _, w := range c {
		if v, ok := strings.CutPrefix(string(w), prefix); ok {
			out = append(out, v)
		}
	}
	return out
}

// String returns the words with spaces between them.
func (c Capabilities) String() string {
	var b strings.Builder
	for i, w := range c {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(w))
	}
	return b.String()
}
