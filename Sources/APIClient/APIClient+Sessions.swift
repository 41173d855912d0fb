internal import APISchema
internal import AsyncHTTPClient
package import Filesystem
package import NIOCore
internal import NIOHTTP1
package import Primitives

extension APIClient {
    /// `within` bounds what the node may take, as in the other calls of sessions.
    package func openSession(_ filesystem: FilesystemID, options: SessionOptions = SessionOptions(), within: Duration? = nil)
        async throws(FileFailure) -> SessionID
    {
        var call = Call(.POST, "/v1/filesystems/\(filesystem)/sessions", object: filesystem.description, isRepeatable: true)
        call.timeout = within
        call = call.with { options.write(to: &$0) }
        return SessionID(try await json(call).identifier("session"))
    }

    /// With `isPatient` it is repeated while the node is not to be reached; the node ends idle sessions by itself.
    package func closeSession(_ session: SessionID, isPatient: Bool = true, within: Duration? = nil) async throws(FileFailure) {
        var call = Call(.DELETE, "/v1/sessions/\(session.rawValue)", object: "session", isRepeatable: isPatient)
        call.timeout = within
        guard isPatient else {
            _ = try await send(call)
            return
        }
        _ = try await exchange(call)
    }

    /// Carries out one operation: the seam of workloads. `payload` is the bytes of a `write`; the
    /// buffer returned, those of a `read`. `within` bounds what the node may take.
    package func perform(
        _ operation: FileOperation, session: SessionID, payload: ByteBuffer? = nil, within: Duration? = nil
    ) async throws(FileFailure) -> (outcome: FileOutcome, data: ByteBuffer?) {
        let path = "/v1/sessions/\(session.rawValue)/operations"
        var call: Call
        if case .write(let handle, let offset) = operation {
            let place = offset == .max ? "" : "&offset=\(offset)"
            call = Call(.POST, "\(path)?op=write&handle=\(handle.rawValue)\(place)", object: operation.object, isRepeatable: offset != .max)
            call.body = .bytes(payload ?? ByteBuffer())
            call.contentType = "application/octet-stream"
        } else {
            call = Call(.POST, path, object: operation.object, isRepeatable: operation.changesNothing).with { operation.write(to: &$0) }
        }
        call.timeout = within
        let (response, body) = try await exchange(call)
        guard case .read = operation, let header = response.headers.first(name: APIHeader.cost), let cost = OperationCost(header: header)
        else {
            return (try FileOutcome(json: try parse(body, call)), nil)
        }
        let endOfFile = response.headers.first(name: APIHeader.endOfFile) == "true"
        return (FileOutcome(value: .data(length: UInt32(body.readableBytes), endOfFile: endOfFile), cost: cost), body)
    }
}

extension FileOperation {
    /// Of what, for errors.
    package var object: String {
        switch self {
        case .stat(let path, _), .list(let path, _, _), .open(let path, _), .makeDirectory(let path, _, _), .remove(let path, _),
            .rename(let path, _, _), .link(_, let path), .symlink(_, let path), .readLink(let path), .setAttributes(let path, _),
            .copy(let path, _, _), .getXattr(let path, _), .setXattr(let path, _, _, _), .removeXattr(let path, _), .listXattrs(let path),
            .exchange(let path, _), .makeNode(let path, _, _, _), .zeroRange(let path, _, _, _), .make(let path, _), .seek(let path, _, _):
            path.description
        case .read(let handle, _, _), .write(let handle, _), .sync(let handle), .flush(let handle), .close(let handle, _),
            .lock(let handle, _, _, _), .unlock(let handle, _), .testLock(let handle, _, _):
            "handle \(handle.rawValue)"
        case .client, .statistics, .commit, .reload, .sessionStatus, .history, .diff, .rollback, .conflicts, .resolveConflict, .clone: word
        }
    }

    /// May be sent again where it is not known whether it took effect.
    var changesNothing: Bool {
        switch self {
        case .stat, .list, .read, .sync, .flush, .testLock, .readLink, .getXattr, .listXattrs, .statistics, .sessionStatus, .history, .diff,
            .conflicts, .seek:
            true
        case .open(_, .read): true
        // Made twice with the same number it is made once.
        case .make(_, let object): object.verifier != 0 && (object.form == .file || object.form == .directory)
        case .open, .write, .close, .makeDirectory, .remove, .rename, .exchange, .link, .symlink, .makeNode, .setAttributes, .zeroRange,
            .copy, .setXattr, .removeXattr, .lock,
            .unlock, .client, .commit, .reload, .rollback, .resolveConflict, .clone:
            false
        }
    }
}
