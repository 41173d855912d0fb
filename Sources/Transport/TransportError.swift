/// What went wrong in moving bytes: the operation, its object, the cause, and what to do next.
/// Never holds a secret, so it may be logged and shown as it is.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// A file could not be read or written, or its mode is too wide.
        case file
        /// A certificate, key or key ring is not what it must be.
        case identity
        /// libcrypto refused an operation.
        case cryptography
        /// The peer could not be reached, or the connection broke.
        case unreachable
        /// The peer answered and refused, or we refused it.
        case refused
        /// Bytes from outside that are no frame of ours.
        case malformed
        /// A wait reached its bound.
        case timeout
        /// The network is stopped, or was never started.
        case stopped
        /// The call's own arguments are wrong.
        case argument
    }

    package let code: Code
    /// What was asked, such as `dial` or `load identity`.
    package let operation: String
    /// Of what, such as a path or `n3 at 10.0.0.3:7000`.
    package let object: String
    package let cause: String
    /// What to do next; empty where nothing can be done but to wait.
    package let advice: String

    package init(_ code: Code, _ operation: String, _ object: String, cause: String, advice: String = "") {
        self.code = code
        self.operation = operation
        self.object = object
        self.cause = cause
        self.advice = advice
    }

    package var isRetryable: Bool {
        switch code {
        case .unreachable, .timeout: true
        case .file, .identity, .cryptography, .refused, .malformed, .stopped, .argument: false
        }
    }

    package var description: String {
        let start = "\(operation) \(object): \(cause)"
        return advice.isEmpty ? start : "\(start); \(advice)"
    }
}
