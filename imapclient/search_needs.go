package imapclient

import (
	"github.com/pushmail/pushmail/imap"
)

// searchNeeds are the extensions that keys belong to. The others are in every server.
var searchNeeds = map[imap.SearchOp]imap.Capability{
	imap.SearchFuzzy:             imap.CapFuzzy,
	imap.SearchSaved:             imap.CapSearchRes,
	imap.SearchOlder:             imap.CapWithin,
	imap.SearchYounger:           imap.CapWithin,
	imap.SearchModSeq:            imap.CapCondStore,
	imap.SearchSavedBefore:       imap.CapSaveDate,
	imap.SearchSavedOn:           imap.CapSaveDate,
	imap.SearchSavedSince:        imap.CapSaveDate,
	imap.SearchSaveDateSupported: imap.CapSaveDate,
	imap.SearchEmailID:           imap.CapObjectID,
	imap.SearchThreadID:          imap.CapObjectID,
	imap.SearchFilter:            imap.CapFilters,
	imap.SearchAnnotation:        imap.CapAnnotate,
	imap.SearchGmailMsgID:        imap.CapGmail,
	imap.SearchGmailThreadID:     imap.CapGmail,
	imap.SearchGmailLabel:        imap.CapGmail,
	imap.SearchGmailRaw:          imap.CapGmail,
	imap.SearchNew:               imap.CapIMAP4rev1, // RFC 9051 appendix E: gone from IMAP4rev2
}

// requireKey returns an error unless the server offers all that a query needs.
func (c *Conn) requireKey(key *imap.SearchKey) (err error) {
	caps := c.Capabilities()
	eachKey(key, func(k *imap.SearchKey) bool {
		need := searchNeeds[k.Op]
		if k.Op == imap.SearchFlag && imap.EqualFlag(k.Flag, imap.FlagRecent) {
			need = imap.CapIMAP4rev1
		}
		switch {
		case need == "" || caps.Has(need):
			return true
		case need == imap.CapIMAP4rev1 && !caps.Has(imap.CapIMAP4rev2):
			return true // a server that says nothing of itself
		}
		err = notSent(&UnsupportedError{need})
		return false
	})
	return err
}

// eachKey calls f for every key of a query until it returns false, and reports whether it never did.
func eachKey(key *imap.SearchKey, f func(*imap.SearchKey) bool) bool {
	if !f(key) {
		return false
	}
	for i := range key.Keys {
		if !eachKey(&key.Keys[i], f) {
			return false
		}
	}
	return true
}

// hasKey reports whether a query has a key with this Op.
func hasKey(key *imap.SearchKey, op imap.SearchOp) bool {
	return !eachKey(key, func(k *imap.SearchKey) bool { return k.Op != op })
}
