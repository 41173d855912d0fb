import Filesystem
import NFSProtocol
import NIOCore
import NodeRuntime
import Primitives
import Replication
import Synchronization

/// The sessions of the node through which the server's calls go: one for each file system and user.
final class SeamSessions: Sendable {
    /// How long the node goes on with a call. A client waits for its server, so that this is long; what changes something and
    /// has not ended by then may have happened.
    private static let askLimit = Duration.seconds(60)
    private static let changeLimit = Duration.seconds(600)

    private let service: any NodeService
    private let sessions = Mutex<[SeamUser: Task<SessionID, any Error>]>([:])

    init(service: any NodeService) { self.service = service }

    func carryOut(_ call: SeamCall) async -> SeamAnswer {
        switch call {
        case .exports: return .exports(await exports())
        case .file(let user, let operation, let payload):
            do throws(FileFailure) {
                return try await perform(operation, payload, for: user)
            } catch {
                return .failed(error)
            }
        }
    }

    /// The network file systems of the default environment, by name.
    private func exports() async -> [NFSExport] {
        var found: [NFSExport] = []
        for (id, record) in await service.catalog().filesystems
        where id.kind == .nfs && record.isActive && record.environment == .main {
            if let name = record.name { found.append(NFSExport(name: name, filesystem: id)) }
        }
        return found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private func perform(_ operation: FileOperation, _ payload: [UInt8], for user: SeamUser) async throws(FileFailure) -> SeamAnswer {
        do throws(FileFailure) {
            return try await once(operation, payload, for: user)
        } catch {
            // The node has ended the session; what names no open file of it may go through a new one.
            guard error.code == .badHandle, !operation.usesHandle else { throw error }
            return try await once(operation, payload, for: user)
        }
    }

    private func once(_ operation: FileOperation, _ payload: [UInt8], for user: SeamUser) async throws(FileFailure) -> SeamAnswer {
        let session = try await session(for: user)
        let buffer: ByteBuffer? = if case .write = operation { ByteBuffer(bytes: payload) } else { nil }
        do throws(FileFailure) {
            let answer = try await service.perform(
                operation, session: session, payload: buffer, within: operation.changesNothing ? Self.askLimit : Self.changeLimit)
            return .value(answer.outcome.value, data: answer.data.map { Array($0.readableBytesView) } ?? [])
        } catch {
            if error.code == .badHandle, !operation.usesHandle { await forget(user, session) }
            throw error
        }
    }

    private func session(for user: SeamUser) async throws(FileFailure) -> SessionID {
        let opening = sessions.withLock { sessions in
            if let open = sessions[user] { return open }
            let opening = Task { [service] () throws -> SessionID in
                // Nothing is believed without asking: the clients keep their own caches.
                var options = SessionOptions(
                    userID: user.user, groupID: user.group, idleLimit: .seconds(86_400), attributeCache: .zero)
                options.asksOnce = true
                return try await service.openSession(user.filesystem, options: options, within: Self.askLimit)
            }
            sessions[user] = opening
            return opening
        }
        do { return try await opening.value } catch {
            sessions.withLock { if $0[user] == opening { $0[user] = nil } }
            guard let failure = error as? FileFailure else {
                throw FileFailure(.ioError, operation: "open session", object: "\(user.filesystem)", cause: "\(error)")
            }
            // Whoever has a handle of a file system that is gone has a stale one.
            guard failure.code == .notFound else { throw failure }
            throw FileFailure(.stale, operation: failure.operation, object: failure.object, cause: failure.cause, hint: failure.hint)
        }
    }

    private func forget(_ user: SeamUser, _ session: SessionID) async {
        guard let open = sessions.withLock({ $0[user] }), (try? await open.value) == session else { return }
        sessions.withLock { if $0[user] == open { $0[user] = nil } }
    }

    func end(_ user: SeamUser) async {
        guard let open = sessions.withLock({ $0.removeValue(forKey: user) }), let session = try? await open.value else { return }
        await service.closeSession(session)
    }

    func endAll() async {
        let users = sessions.withLock { Array($0.keys) }
        for user in users { await end(user) }
    }
}

extension FileOperation {
    /// It names an open file, which ends with its session.
    fileprivate var usesHandle: Bool {
        switch self {
        case .read, .write, .sync, .flush, .close, .lock, .unlock, .testLock: true
        default: false
        }
    }
}
