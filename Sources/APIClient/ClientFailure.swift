internal import AsyncHTTPClient
internal import Filesystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

extension FileFailure {
    /// Marks a failure of which it is known that the node never saw the request; it is taken off before anyone reads it.
    private static let mark = "\u{1}"

    var wasNotSent: Bool { hint.hasSuffix(Self.mark) }

    var withoutMark: FileFailure {
        wasNotSent ? FileFailure(code, operation: operation, object: object, cause: cause, hint: String(hint.dropLast())) : self
    }

    /// What the HTTP client threw, in the words of this project.
    init(_ error: any Error, call: APIClient.Call, address: String) {
        func make(_ code: Code, _ cause: String, hint: String = "") -> FileFailure {
            FileFailure(code, operation: call.method.rawValue, object: call.object, cause: cause, hint: hint)
        }
        switch error {
        case let failure as FileFailure: self = failure
        case let error as HTTPClientError where error == .connectTimeout || error == .getConnectionFromPoolTimeout:
            self = make(.unavailable, "no connection to \(address) in time", hint: "see `atoll status`" + Self.mark)
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout || error == .writeTimeout:
            // Nothing of an upload is kept before its last byte has come.
            self =
                call.deadline != nil
                ? make(
                    .timedOut, "not all bytes were sent to \(address) and acknowledged in time",
                    hint: "look before you repeat it: what had come whole may be stored")
                : make(.timedOut, "\(address) did not answer in time", hint: "see `atoll status`")
        case let error as HTTPClientError where error == .cancelled: self = make(.timedOut, "cancelled")
        case let error as HTTPClientError where error == .remoteConnectionClosed || error == .uncleanShutdown:
            self = make(
                .unavailable, "\(address) closed the connection before the answer was here",
                hint: call.isRepeatable
                    ? "see `atoll status`" : "whether it happened is not known; see `atoll status`, and look before you repeat it")
        case is NIOConnectionError:
            self = make(
                .unavailable, "nothing listens at \(address)", hint: "is the cluster up? see `atoll status` and `atoll up`" + Self.mark)
        case let error as IOError where error.errnoCode == 111:
            self = make(
                .unavailable, "nothing listens at \(address)", hint: "is the cluster up? see `atoll status` and `atoll up`" + Self.mark)
        case is IOError, is ChannelError, is HTTPParserError:
            self = make(
                .unavailable, "the connection to \(address) broke before the answer was here",
                hint: call.isRepeatable
                    ? "see `atoll status`" : "whether it happened is not known; see `atoll status`, and look before you repeat it")
        case is NIOTooManyBytesError: self = make(.tooLarge, "the answer is larger than this client takes")
        case is CancellationError: self = make(.timedOut, "cancelled")
        case let error as HTTPClientError: self = make(.ioError, "the exchange with \(address) failed: \(error.shortDescription)")
        // What the source of an upload threw has words of its own.
        default: self = make(.ioError, "\(error)")
        }
    }
}
