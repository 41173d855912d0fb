import APIClient
import APISchema
import FUSEMount
import Filesystem
import Foundation
import Primitives

/// A mount in this process: from the session to the last commit.
struct MountRun {
    /// How long the commit at the end may take.
    private static let lastCommit = Duration.seconds(60)
    /// How long open files may keep a mount that was taken away.
    private static let farewell = Duration.seconds(5)

    let verb: MountVerb
    let point: MountPoint

    init(_ verb: MountVerb, _ point: MountPoint) {
        self.verb = verb
        self.point = point
    }

    func run() async throws {
        let (kind, name) = try verb.parts()
        var target = TargetOptions()
        (target.cluster, target.environment, target.region, target.timeout) = (verb.cluster, verb.environment, verb.region, nil)
        let files = FilesystemVerb(kind: kind, verb: "mount", target: target, requireLocal: verb.distance.requireLocal)
        try await Connection.run(verb.cluster, .region(verb.region), "mount") { connection in
            let found = try await files.find(name, connection)
            try await serve(found, connection)
        }
    }

    private func serve(_ found: FilesystemReport, _ connection: Connection) async throws {
        let left = await leftBehind(found, connection)
        let session = if let left { left } else { try await fresh(found, connection) }
        var options = FUSEMount.MountOptions(kind: found.id.kind, source: "\(found.id.kind.word)/\(found.label)")
        options.readOnly = verb.readOnly || verb.at != nil
        options.localLocks = verb.localLocks
        options.allowsOthers = geteuid() == 0
        if let seconds = verb.attributeCache { options.attributeSeconds = seconds }
        let endpoint = SessionEndpoint(client: connection.client, session: session, patience: verb.patience)
        if let path = verb.subPath { options.root = try await directory(path, endpoint) }
        let files = MountedFiles(endpoint: endpoint, options: options)
        let mount = FUSESession(files: files, mountPoint: point.path)
        do { try mount.mount() } catch {
            // What the last mount had staged stays for the next attempt.
            if left == nil { try? await connection.client.closeSession(session, isPatient: false) }
            throw CommandFailure("mount", point.path, error.description, hint: "see `dmesg`; in a container it needs CAP_SYS_ADMIN")
        }
        var record = MountRecord(
            mountPoint: point.path, source: options.source, filesystem: found.id.description, region: connection.region,
            address: connection.client.address, session: String(session.rawValue), owner: MountRecord.own(), state: "serving",
            failure: nil, log: nil)
        let over = reader(mount)
        Signals.watch([SIGINT, SIGTERM, SIGHUP]) { _ in
            // What is open stays usable while the last commit is made.
            if !mount.hasEnded { _ = point.unmount(lazily: true) }
            over.leave()
        }
        do { try record.write(point) } catch {
            _ = point.unmount(lazily: true)
            throw error
        }
        if verb.localLocks {
            Terminal.error("warning: locks hold within this machine only; other hosts of \(options.source) do not see them")
        }
        if Terminal.errorIsTerminal { Terminal.error("\(options.source) is mounted at \(point.path); Ctrl-C unmounts it") }
        let beats = Task { await endpoint.keepAlive() }
        await over.ended(Self.farewell)
        beats.cancel()
        try await finish(files, session, connection, &record)
    }

    private func reader(_ mount: FUSESession) -> MountEnd {
        let end = MountEnd()
        let thread = Thread {
            mount.serve()
            end.over()
        }
        thread.name = "atoll-mount"
        thread.start()
        return end
    }

    private func fresh(_ found: FilesystemReport, _ connection: Connection) async throws -> SessionID {
        let options = try options(found.id.kind)
        return try await connection.client.openSession(found.id, options: options)
    }

    /// A volume's staged changes outlive the process that staged them for as long as the node keeps the session: a mount
    /// at the same place takes them up. (Apart from `fresh`: the optimiser of Swift 6.3.1 fails on both in one.)
    private func leftBehind(_ found: FilesystemReport, _ connection: Connection) async -> SessionID? {
        guard found.id.kind == .volume, verb.at == nil, !verb.readOnly, let left = MountRecord.read(point), left.process.state == .gone,
            left.filesystem == found.id.description, left.address == connection.client.address, let number = UInt64(left.session)
        else { return nil }
        let answer = try? await connection.client.perform(.sessionStatus, session: SessionID(number), within: .seconds(5))
        guard case .session(let status)? = answer?.outcome.value else { return nil }
        guard status.staged > 0 else {
            try? await connection.client.closeSession(status.session, isPatient: false)
            return nil
        }
        let changes = status.staged == 1 ? "change" : "changes"
        Terminal.error("takes up \(status.staged) staged \(changes) that the last mount here had not committed")
        return status.session
    }

    private func options(_ kind: FilesystemKind) throws -> SessionOptions {
        var options = SessionOptions(
            readOnly: verb.readOnly, version: try verb.version(), userID: geteuid(), groupID: getegid(),
            idleLimit: kind == .volume ? .seconds(900) : .seconds(60),
            // The kernel keeps attributes; a second cache under it would make them twice as old.
            attributeCache: kind == .volume ? .seconds(3) : .zero)
        options.keepsNumbers = true
        options.requireLocal = verb.distance.requireLocal
        let seconds = verb.commitEvery ?? 5
        if kind == .volume, !verb.readOnly, verb.at == nil, seconds > 0 { options.commitEvery = .seconds(Int64(seconds)) }
        return options
    }

    private func directory(_ text: String, _ endpoint: SessionEndpoint) async throws -> InodeID {
        guard let path = FilePath(text) else { throw CommandFailure.usage("mount", text, "a path holds no \"..\" and at most 4,096 bytes") }
        guard case .attributes(let attributes) = try await endpoint.perform(.stat(path: path, followLinks: true), payload: nil).value,
            attributes.type == .directory
        else { throw CommandFailure("mount", "\(path)", "it is no directory", hint: "--sub-path names a directory") }
        return attributes.inode
    }

    /// After a lazy unmount another mount may have taken the place, and its record is not this one's to change.
    private var isOwn: Bool { MountRecord.read(point).map { $0.owner.pid == getpid() } ?? true }

    /// The last commit; what it can not publish stays with the node for a while, and the record says so.
    private func finish(_ files: MountedFiles, _ session: SessionID, _ connection: Connection, _ record: inout MountRecord) async throws {
        do {
            let receipt = try await Self.within(Self.lastCommit) { try await files.commit("unmount") }
            if let conflicts = receipt?.conflicts, !conflicts.isEmpty {
                Terminal.error("\(conflicts.count) conflicts: see `atoll volume conflicts`")
            }
        } catch {
            let failure = (error as? FileFailure).map { CommandFailure($0, "commit at the end of the mount") }
            record.state = "failed"
            record.failure = failure?.description ?? "\(error)"
            if isOwn { try? record.write(point) }
            throw failure ?? CommandFailure("mount", point.path, "\(error)")
        }
        if isOwn { MountRecord.remove(point) }
        try? await connection.client.closeSession(session, isPatient: false)
    }

    private static func within<Result: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Result) async throws
        -> Result
    {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw FileFailure(.timedOut, operation: "commit", object: "mount", cause: "not done within \(limit.components.seconds) s")
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }
}

/// When a mount is over: its reader has ended, or it shall end and has been given a while for that.
final class MountEnd: Sendable {
    private let (left, tellLeft) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let (ends, tellEnd) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    func over() {
        tellEnd.finish()
        tellLeft.finish()
    }
    func leave() { tellLeft.finish() }

    func ended(_ grace: Duration) async {
        for await _ in left {}
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [ends] in for await _ in ends {} }
            group.addTask { try? await Task.sleep(for: grace) }
            await group.next()
            group.cancelAll()
        }
    }
}
