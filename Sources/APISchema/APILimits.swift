/// Bounds and names that both sides of the API share.
package enum APILimits {
    /// Bytes of one `read` or `write`, and of the largest window of a streamed file.
    package static let windowBytes: UInt32 = 4 << 20
    /// Bytes of a group's state that go into one answer.
    package static let snapshotBytes = 1 << 30
    /// Bytes of a JSON request.
    package static let requestBytes = 1 << 20
    /// Bytes of a JSON reply that a client takes (a listing of 10,000 long names fits).
    package static let replyBytes = 64 << 20
    /// Bytes of a commit message.
    package static let messageBytes = 4_096
    /// How long a request may take: the default, and the range that `atoll-timeout-ms` allows.
    package static let timeout = Duration.seconds(30)
    package static let timeoutMillisecondsMaximum: Int64 = 600_000
}

/// Header names of the API.
package enum APIHeader {
    /// Request: how long the node may take, in milliseconds (1 to 600,000; 30,000 without it).
    package static let timeout = "atoll-timeout-ms"
    /// Reply of a `read` and of file routes: `OperationCost.header`.
    package static let cost = "atoll-cost"
    /// Reply of a `read`: whether the file ended there (`true` or `false`).
    package static let endOfFile = "atoll-end-of-file"
    /// Reply of file routes: modification time (nanoseconds since 1970) and permission bits (decimal).
    package static let modified = "atoll-mtime-ns"
    package static let permissions = "atoll-permissions"
    /// Reply of `GET /v1/groups/{group}/snapshot`: metadata (XDR in base64), and the SHA-256 of the body.
    package static let snapshot = "atoll-snapshot"
    package static let digest = "atoll-digest"
}
