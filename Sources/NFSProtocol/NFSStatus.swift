package import Filesystem

/// nfsstat4 (RFC 8881 §15.1, RFC 7862 §11.1, RFC 8276 §8.5).
package enum NFSStatus: UInt32, Error, Hashable, Sendable, CaseIterable {
    case ok = 0
    case perm = 1
    case noent = 2
    case io = 5
    case nxio = 6
    case access = 13
    case exist = 17
    case xdev = 18
    case notdir = 20
    case isdir = 21
    case inval = 22
    case fbig = 27
    case nospc = 28
    case rofs = 30
    case mlink = 31
    case nametoolong = 63
    case notempty = 66
    case dquot = 69
    case stale = 70
    case badhandle = 10_001
    case badcookie = 10_003
    case notsupp = 10_004
    case toosmall = 10_005
    case serverfault = 10_006
    case badtype = 10_007
    case delay = 10_008
    case same = 10_009
    case denied = 10_010
    case expired = 10_011
    case locked = 10_012
    case grace = 10_013
    case shareDenied = 10_015
    case clidInuse = 10_017
    case resource = 10_018
    case nofilehandle = 10_020
    case minorVersMismatch = 10_021
    case staleClientid = 10_022
    case staleStateid = 10_023
    case oldStateid = 10_024
    case badStateid = 10_025
    case badSeqid = 10_026
    case notSame = 10_027
    case symlink = 10_029
    case restorefh = 10_030
    case attrnotsupp = 10_032
    case noGrace = 10_033
    case reclaimBad = 10_034
    case reclaimConflict = 10_035
    case badxdr = 10_036
    case locksHeld = 10_037
    case openmode = 10_038
    case badowner = 10_039
    case badchar = 10_040
    case badname = 10_041
    case badRange = 10_042
    case opIllegal = 10_044
    case deadlock = 10_045
    case fileOpen = 10_046
    case badsession = 10_052
    case badslot = 10_053
    case completeAlready = 10_054
    case seqMisordered = 10_063
    case sequencePos = 10_064
    case reqTooBig = 10_065
    case repTooBig = 10_066
    case repTooBigToCache = 10_067
    case retryUncachedRep = 10_068
    case tooManyOps = 10_070
    case opNotInSession = 10_071
    case clientidBusy = 10_074
    case seqFalseRetry = 10_076
    case badHighSlot = 10_077
    case encrAlgUnsupp = 10_079
    case notOnlyOp = 10_081
    case wrongType = 10_083
    case unionNotsupp = 10_090
    case noxattr = 10_095
    case xattr2big = 10_096

    /// What a client is told of a failure of the seam: the one table of this front end.
    package init(_ failure: FileFailure) {
        self =
            switch failure.code {
            case .notPermitted: .perm
            case .notFound: .noent
            case .ioError, .corrupt: .io
            case .noSuchPlace: .nxio
            // A session of the seam has ended, and with it the handle: the client begins again.
            case .badHandle: .delay
            case .wouldBlock: .denied
            case .permissionDenied: .access
            case .busy: .delay
            case .exists: .exist
            case .crossDevice: .xdev
            case .notDirectory: .notdir
            case .isDirectory: .isdir
            case .invalid, .outOfRange, .wrongKind: .inval
            case .tooLarge: .fbig
            case .noSpace: .nospc
            case .readOnly: .rofs
            case .tooManyLinks: .mlink
            case .nameTooLong: .nametoolong
            case .notEmpty: .notempty
            case .tooManySymlinks: .io
            case .noData: .noxattr
            case .notSupported: .notsupp
            case .stale: .stale
            case .quotaExceeded: .dquot
            // The client asks again, for as long as its mount says.
            case .unavailable, .timedOut, .overloaded: .delay
            case .conflict: .io
            }
    }
}
