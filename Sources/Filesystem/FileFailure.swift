/// Why an operation failed: what was asked, of what, why, and what to do next, with a code that
/// front ends map to their own numbers.
package struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: UInt32, Sendable, Hashable, CaseIterable {
        case notFound = 2
        case ioError = 5
        case badHandle = 9
        case permissionDenied = 13
        case busy = 16
        case exists = 17
        case crossDevice = 18
        case notDirectory = 20
        case isDirectory = 21
        case invalid = 22
        case tooLarge = 27
        case noSpace = 28
        case readOnly = 30
        case tooManyLinks = 31
        case outOfRange = 34
        case nameTooLong = 36
        case notEmpty = 39
        case tooManySymlinks = 40
        case noData = 61
        case notSupported = 95
        case stale = 116
        case quotaExceeded = 122
        case notPermitted = 1
        /// Of `seek`: nothing of that kind is left.
        case noSuchPlace = 6
        case wouldBlock = 11
        /// The leader or the quorum is not to be reached now; the same request may succeed later.
        case unavailable = 200
        /// The deadline passed; whether it happened is not known.
        case timedOut = 201
        /// A commit with `ifUnchanged`, or a reload without `discard`, that would lose something.
        case conflict = 202
        /// Content that no reachable copy holds intact.
        case corrupt = 203
        /// A bounded table of this node is full.
        case overloaded = 204
        case wrongKind = 205

        /// The symbolic name used in JSON.
        package var word: String {
            switch self {
            case .notFound: "not_found"
            case .ioError: "io_error"
            case .noSuchPlace: "no_such_place"
            case .badHandle: "bad_handle"
            case .permissionDenied: "permission_denied"
            case .busy: "busy"
            case .exists: "already_exists"
            case .crossDevice: "cross_device"
            case .notDirectory: "not_a_directory"
            case .isDirectory: "is_a_directory"
            case .invalid: "invalid"
            case .tooLarge: "too_large"
            case .noSpace: "no_space"
            case .readOnly: "read_only"
            case .tooManyLinks: "too_many_links"
            case .outOfRange: "out_of_range"
            case .nameTooLong: "name_too_long"
            case .notEmpty: "not_empty"
            case .tooManySymlinks: "too_many_symlinks"
            case .noData: "no_data"
            case .notSupported: "not_supported"
            case .stale: "stale"
            case .quotaExceeded: "quota_exceeded"
            case .notPermitted: "not_permitted"
            case .wouldBlock: "would_block"
            case .unavailable: "unavailable"
            case .timedOut: "timed_out"
            case .conflict: "conflict"
            case .corrupt: "corrupt"
            case .overloaded: "overloaded"
            case .wrongKind: "wrong_kind"
            }
        }

        package var isRetryable: Bool {
            switch self {
            case .unavailable, .overloaded, .wouldBlock, .busy: true
            default: false
            }
        }
    }

    package let code: Code
    /// What was asked, such as `read`.
    package let operation: String
    /// Of what: a path, a handle, a name.
    package let object: String
    package let cause: String
    /// What to do next; empty where there is nothing to add.
    package let hint: String

    package init(_ code: Code, operation: String, object: String, cause: String, hint: String = "") {
        self.code = code
        self.operation = operation
        self.object = object
        self.cause = cause
        self.hint = hint
    }

    package var description: String { "\(operation) \(object): \(cause)" + (hint.isEmpty ? "" : "; \(hint)") }
}
