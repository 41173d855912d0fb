/// Why the file system refused, under the numbers of Linux, which are the stable wire numbers.
/// Numbers from 200 are this project's own.
package enum Errno: UInt32, Sendable, Hashable, CaseIterable {
    case notPermitted = 1
    case noEntry = 2
    case tooBig = 7
    case accessDenied = 13
    case exists = 17
    case crossDevice = 18
    case notDirectory = 20
    case isDirectory = 21
    case invalid = 22
    case fileTooBig = 27
    case noSpace = 28
    case tooManyLinks = 31
    case outOfRange = 34
    case nameTooLong = 36
    case notEmpty = 39
    case loop = 40
    case noData = 61
    case stale = 116
    case quotaExceeded = 122
    /// A guard did not hold: someone else changed what this change was to start from.
    case conflict = 202

    /// The name in POSIX.
    package var symbol: String {
        switch self {
        case .notPermitted: "EPERM"
        case .noEntry: "ENOENT"
        case .tooBig: "E2BIG"
        case .accessDenied: "EACCES"
        case .exists: "EEXIST"
        case .crossDevice: "EXDEV"
        case .notDirectory: "ENOTDIR"
        case .isDirectory: "EISDIR"
        case .invalid: "EINVAL"
        case .fileTooBig: "EFBIG"
        case .noSpace: "ENOSPC"
        case .tooManyLinks: "EMLINK"
        case .outOfRange: "ERANGE"
        case .nameTooLong: "ENAMETOOLONG"
        case .notEmpty: "ENOTEMPTY"
        case .loop: "ELOOP"
        case .noData: "ENODATA"
        case .stale: "ESTALE"
        case .quotaExceeded: "EDQUOT"
        case .conflict: "CONFLICT"
        }
    }
}
