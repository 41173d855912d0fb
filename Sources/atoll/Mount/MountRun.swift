import APIClient
import APISchema
import FUSEMount
import Filesystem
import Foundation
import Primitives
import Synchronization

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
            let served = try await begin(found, connection)
            Signals.watch([SIGINT, SIGTERM, SIGHUP]) { _ in
                // What is open stays usable while the last commit is made.
                if !served.mount.hasEnded { _ = point.unmount(lazily: true) }
                served.over.leave()
            }
            if Terminal.errorIsTerminal { Terminal.error("\(verb.source) is mounted at \(point.path); Ctrl-C unmounts it") }
            try await end(served)
        }
    }

    /// As `run`, for as long as `body` takes; then it is taken away, whoever has files open there.
    func run<Result: Sendable>(while body: () async throws -> Result) async throws -> Result {
        let (kind, name) = try verb.parts()
        var target = TargetOptions()
        (target.cluster, target.environment, target.region, target.timeout) = (verb.cluster, verb.environment, verb.region, nil)
        let files = FilesystemVerb(kind: kind, verb: "run", target: target, requireLocal: verb.distance.requireLocal)
        return try await Connection.run(verb.cluster, .region(verb.region), "run") { connection in
            let served = try await begin(try await files.find(name, connection), connection)
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            _ = point.unmount(lazily: true)
            served.over.leave()
            try await end(served)
            return try result.get()
        }
    }

    /// A mount that is there.
    private struct Served {
        let files: MountedFiles
        let endpoint: SessionEndpoint
        let mount: FUSESession
        let record: SharedRecord
        let over: MountEnd
        let tasks: [Task<Void, Never>]
    }

    private func begin(_ found: FilesystemReport, _ connection: Connection) async throws -> Served {
        let endpoint = try await endpoint(found, connection)
        var options = FUSEMount.MountOptions(kind: found.id.kind, source: "\(found.id.kind.word)/\(found.label)")
        options.readOnly = verb.readOnly || verb.at != nil
        options.localLocks = verb.localLocks
        options.allowsOthers = geteuid() == 0
        if let seconds = verb.attributeCache { options.attributeSeconds = seconds }
        if let path = verb.subPath {
            do { options.root = try await directory(path, endpoint) } catch {
                await endpoint.end()
                throw error
            }
        }
        let files = MountedFiles(endpoint: endpoint, options: options)
        endpoint.nameOf.withLock { $0 = { [weak files] in files?.path(of: $0) } }
        let mount = FUSESession(files: files, mountPoint: point.path)
        do { try mount.mount() } catch {
            // What the last mount had staged stays for the next attempt.
            await endpoint.end(closes: !endpoint.isAdopted)
            throw CommandFailure("mount", point.path, error.description, hint: "see `dmesg`; in a container it needs CAP_SYS_ADMIN")
        }
        let record = SharedRecord(
            MountRecord(
                mountPoint: point.path, source: options.source, filesystem: found.id.description, region: endpoint.nodes.region,
                address: endpoint.link.node.address, session: String(endpoint.link.session.rawValue), owner: MountRecord.own(),
                state: "serving", failure: nil, log: nil), at: point)
        endpoint.moved.withLock { $0 = { record.moved(to: $0) } }
        let over = reader(mount)
        do { try record.write() } catch {
            _ = point.unmount(lazily: true)
            await endpoint.end()
            throw error
        }
        if verb.localLocks {
            Terminal.error("warning: locks hold within this machine only; other hosts of \(options.source) do not see them")
        }
        let tasks = [Task { await endpoint.keepAlive() }] + background(endpoint, found.id.kind)
        return Served(files: files, endpoint: endpoint, mount: mount, record: record, over: over, tasks: tasks)
    }

    private func end(_ served: Served) async throws {
        await served.over.ended(Self.farewell)
        for task in served.tasks { task.cancel() }
        try await finish(served.files, served.endpoint, served.record)
    }

    /// The session, and the nodes that can have it after this one.
    private func endpoint(_ found: FilesystemReport, _ connection: Connection) async throws -> SessionEndpoint {
        let left = await leftBehind(found, connection)
        let options = try options(found.id.kind)
        let session = if let left { left } else { try await fresh(found, options, connection) }
        let status = try await connection.client.status()
        let nodes = RegionNodes(connection.client, region: status.region.name)
        let node = nodes.node(connection.client.address)
        await nodes.learn(from: node)
        let link = SessionEndpoint.Link(generation: 1, node: node, nodeID: status.node, session: session)
        guard case .session(let begun) = try await connection.client.perform(.sessionStatus, session: session).outcome.value else {
            await nodes.shutdown()
            throw CommandFailure("mount", point.path, "the node says nothing of its session")
        }
        let endpoint = SessionEndpoint(nodes, found.id, options, link: link, version: begun.version, patience: verb.patience)
        if left != nil { endpoint.adopt() }
        return endpoint
    }

    private func background(_ endpoint: SessionEndpoint, _ kind: FilesystemKind) -> [Task<Void, Never>] {
        let seconds = verb.commitEvery ?? 5
        guard kind == .volume, !verb.readOnly, verb.at == nil, seconds > 0 else { return [] }
        return [Task { await endpoint.commitInBackground(every: .seconds(Int64(seconds))) }]
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

    private func fresh(_ found: FilesystemReport, _ options: SessionOptions, _ connection: Connection) async throws -> SessionID {
        try await connection.client.openSession(found.id, options: options)
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
        // Commits are the mount's own: its journal has to know what they published.
        return options
    }

    private func directory(_ text: String, _ endpoint: SessionEndpoint) async throws -> InodeID {
        guard let path = FilePath(text) else { throw CommandFailure.usage("mount", text, "a path holds no \"..\" and at most 4,096 bytes") }
        guard case .attributes(let attributes) = try await endpoint.perform(.stat(path: path, followLinks: true), payload: nil).value,
            attributes.type == .directory
        else { throw CommandFailure("mount", "\(path)", "it is no directory", hint: "--sub-path names a directory") }
        return attributes.inode
    }

    /// The last commit; what it can not publish stays with the node for a while, and the record says so.
    private func finish(_ files: MountedFiles, _ endpoint: SessionEndpoint, _ record: SharedRecord) async throws {
        do {
            let receipt = try await Self.within(Self.lastCommit) { try await files.commit("unmount") }
            if let conflicts = receipt?.conflicts, !conflicts.isEmpty {
                Terminal.error("\(conflicts.count) conflicts: see `atoll volume conflicts`")
            }
        } catch {
            let failure = (error as? FileFailure).map { CommandFailure($0, "commit at the end of the mount") }
            record.failed(failure?.description ?? "\(error)")
            await endpoint.end(closes: false)
            throw failure ?? CommandFailure("mount", point.path, "\(error)")
        }
        record.remove()
        await endpoint.end()
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
