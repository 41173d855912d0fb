import Filesystem
import Glibc

// What the kernel is told of a failure: the one table of this front end.

extension FileFailure {
    var number: Int32 {
        switch code {
        case .notPermitted: EPERM
        case .notFound: ENOENT
        case .ioError: EIO
        // The session has ended, or the node has: the program's descriptor is of no more use.
        case .badHandle: EIO
        case .wouldBlock: EAGAIN
        case .permissionDenied: EACCES
        case .busy: EBUSY
        case .exists: EEXIST
        case .crossDevice: EXDEV
        case .notDirectory: ENOTDIR
        case .isDirectory: EISDIR
        case .invalid: EINVAL
        case .tooLarge: EFBIG
        case .noSpace: ENOSPC
        case .readOnly: EROFS
        case .tooManyLinks: EMLINK
        case .outOfRange: ERANGE
        case .nameTooLong: ENAMETOOLONG
        case .notEmpty: ENOTEMPTY
        case .tooManySymlinks: ELOOP
        case .noData: ENODATA
        case .noSuchPlace: ENXIO
        case .notSupported: EOPNOTSUPP
        case .stale: ESTALE
        case .quotaExceeded: EDQUOT
        case .unavailable, .timedOut: ETIMEDOUT
        // A commit that met changes of others.
        case .conflict: ESTALE
        // Never bytes that are not the file's.
        case .corrupt: EIO
        case .overloaded: EAGAIN
        case .wrongKind: EINVAL
        }
    }

    /// The mount's own refusals, in the seam's words.
    static func refused(_ code: Code, _ operation: String, _ cause: String) -> FileFailure {
        FileFailure(code, operation: operation, object: "mount", cause: cause)
    }
}
