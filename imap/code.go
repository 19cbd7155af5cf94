package imap

import "strings"

// CodeName is the name of a response code, in upper case.
type CodeName string

// Response codes. The comment says which fields of [Code] hold their arguments.
const (
	CodeAlert          CodeName = "ALERT"
	CodeBadCharset     CodeName = "BADCHARSET" // Words
	CodeCapability     CodeName = "CAPABILITY" // Caps
	CodeParse          CodeName = "PARSE"
	CodePermanentFlags CodeName = "PERMANENTFLAGS" // Flags
	CodeReadOnly       CodeName = "READ-ONLY"
	CodeReadWrite      CodeName = "READ-WRITE"
	CodeTryCreate      CodeName = "TRYCREATE"
	CodeUIDNext        CodeName = "UIDNEXT"     // Num
	CodeUIDValidity    CodeName = "UIDVALIDITY" // Num
	CodeUnseen         CodeName = "UNSEEN"      // Num

	CodeAppendUID     CodeName = "APPENDUID"     // UIDValidity, Dest (RFC 4315)
	CodeCopyUID       CodeName = "COPYUID"       // UIDValidity, Source, Dest (RFC 4315)
	CodeUIDNotSticky  CodeName = "UIDNOTSTICKY"  // RFC 4315
	CodeHighestModSeq CodeName = "HIGHESTMODSEQ" // Num (RFC 7162)
	CodeNoModSeq      CodeName = "NOMODSEQ"      // RFC 7162
	CodeModified      CodeName = "MODIFIED"      // Source; SeqNums unless the command was a UID command (RFC 7162)
	CodeClosed        CodeName = "CLOSED"        // RFC 7162

	CodeUnavailable          CodeName = "UNAVAILABLE" // RFC 5530 from here on
	CodeAuthenticationFailed CodeName = "AUTHENTICATIONFAILED"
	CodeAuthorizationFailed  CodeName = "AUTHORIZATIONFAILED"
	CodeExpired              CodeName = "EXPIRED"
	CodePrivacyRequired      CodeName = "PRIVACYREQUIRED"
	CodeContactAdmin         CodeName = "CONTACTADMIN"
	CodeNoPerm               CodeName = "NOPERM"
	CodeInUse                CodeName = "INUSE"
	CodeExpungeIssued        CodeName = "EXPUNGEISSUED"
	CodeCorruption           CodeName = "CORRUPTION"
	CodeServerBug            CodeName = "SERVERBUG"
	CodeClientBug            CodeName = "CLIENTBUG"
	CodeCannot               CodeName = "CANNOT"
	CodeLimit                CodeName = "LIMIT"
	CodeOverQuota            CodeName = "OVERQUOTA"
	CodeAlreadyExists        CodeName = "ALREADYEXISTS"
	CodeNonExistent          CodeName = "NONEXISTENT"

	CodeReferral             CodeName = "REFERRAL"             // Words (RFC 2221); never followed
	CodeUnknownCTE           CodeName = "UNKNOWN-CTE"          // RFC 3516
	CodeBadURL               CodeName = "BADURL"               // Words (RFC 4469)
	CodeTooBig               CodeName = "TOOBIG"               // RFC 4469
	CodeCompressionActive    CodeName = "COMPRESSIONACTIVE"    // RFC 4978
	CodeNotSaved             CodeName = "NOTSAVED"             // RFC 5182
	CodeBadComparator        CodeName = "BADCOMPARATOR"        // RFC 5255
	CodeAnnotate             CodeName = "ANNOTATE"             // Words (RFC 5257)
	CodeAnnotations          CodeName = "ANNOTATIONS"          // Words (RFC 5257)
	CodeTempFail             CodeName = "TEMPFAIL"             // RFC 5259
	CodeMaxConvertMessages   CodeName = "MAXCONVERTMESSAGES"   // Num (RFC 5259)
	CodeMaxConvertParts      CodeName = "MAXCONVERTPARTS"      // Num (RFC 5259)
	CodeNoUpdate             CodeName = "NOUPDATE"             // Words (RFC 5267)
	CodeMetadata             CodeName = "METADATA"             // Words, Num (RFC 5464)
	CodeNotificationOverflow CodeName = "NOTIFICATIONOVERFLOW" // RFC 5465
	CodeBadEvent             CodeName = "BADEVENT"             // Words (RFC 5465)
	CodeUndefinedFilter      CodeName = "UNDEFINED-FILTER"     // Words (RFC 5466)
	CodeUseAttr              CodeName = "USEATTR"              // RFC 6154
	CodeMailboxID            CodeName = "MAILBOXID"            // Words (RFC 8474)
	CodeUnknownCharset       CodeName = "UNKNOWN-CHARSET"
	CodeHasChildren          CodeName = "HASCHILDREN"  // RFC 9051
	CodeInProgress           CodeName = "INPROGRESS"   // Words (RFC 9585)
	CodeMessageLimit         CodeName = "MESSAGELIMIT" // Num, UID (RFC 9738)
	CodeUIDRequired          CodeName = "UIDREQUIRED"  // RFC 9586
	CodeThrottled            CodeName = "THROTTLED"    // Gmail
	CodeWebAlert             CodeName = "WEBALERT"     // Words (Gmail)
)

// Code is a response code: "[NAME arguments]" (RFC 9051 section 7.1). Which fields are set depends
// on Name; Args always has the arguments as they were received, so a code that this module does not
// know loses nothing.
type Code struct {
	Name CodeName
	Args string

	Num         uint64
	UID         UID
	UIDValidity uint32
	Source      UIDSet
	Dest        UIDSet
	Flags       []Flag
	Caps        Capabilities
	Words       []string
}

// String returns the code without its brackets.
func (c *Code) String() string {
	if c == nil {
		return ""
	}
	return strings.TrimSpace(string(c.Name) + " " + c.Args)
}
