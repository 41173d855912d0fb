package import Primitives

/// Why the catalog refused a command: which operation, on what, why, and what to do next. Nothing
/// was changed. The error travels in results, so that every replica and every client sees the same.
package struct CatalogError: Error, Hashable, Sendable, XDRCodable, CustomStringConvertible {
    package enum Code: UInt32, Hashable, Sendable, CaseIterable {
        case notFound = 1
        case alreadyExists = 2
        /// The name belongs to an object of another kind.
        case wrongKind = 3
        case invalidName = 4
        case invalidArgument = 5
        /// Right in form, but not in this state of the cluster.
        case refused = 6
        /// Somebody else changed the object first: read it again, then decide.
        case conflict = 7
        /// A limit of the catalog is reached.
        case exhausted = 8
        /// Whether the command was applied earlier is not known: see `ClientAdmission.expired`.
        case sessionExpired = 9
        /// The cluster has no identity yet.
        case notBootstrapped = 10
    }

    package let code: Code
    /// What was asked, such as `volume create`.
    package let operation: String
    /// Of what, such as `'data' in environment 'main'`.
    package let object: String
    package let cause: String
    /// What to do next; may be empty.
    package let hint: String

    package init(_ code: Code, _ operation: String, _ object: String, _ cause: String, hint: String = "") {
        self.code = code
        self.operation = operation
        self.object = object
        self.cause = cause
        self.hint = hint
    }

    /// Whether the same command may succeed later, with nothing else done.
    package var isRetryable: Bool {
        switch code {
        case .conflict, .notBootstrapped: true
        case .notFound, .alreadyExists, .wrongKind, .invalidName, .invalidArgument, .refused, .exhausted, .sessionExpired: false
        }
    }

    /// One line. A bad name is told first, in the words that users of the SDK know.
    package var description: String {
        let tail = hint.isEmpty ? "" : "; \(hint)"
        return switch code {
        case .invalidName: "\(cause)\(tail) (\(operation))"
        case .notFound, .alreadyExists, .wrongKind, .invalidArgument, .refused, .conflict, .exhausted, .sessionExpired, .notBootstrapped:
            object.isEmpty ? "\(operation): \(cause)\(tail)" : "\(operation) \(object): \(cause)\(tail)"
        }
    }

    static let textLimit = 4_096

    package func encode(to writer: inout XDRWriter) {
        writer.write(code.rawValue)
        for text in [operation, object, cause, hint] { writer.write(text) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(
            try reader.choice("code of a catalog error"), try reader.string(limit: Self.textLimit),
            try reader.string(limit: Self.textLimit), try reader.string(limit: Self.textLimit),
            hint: try reader.string(limit: Self.textLimit))
    }
}
