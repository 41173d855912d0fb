import APIClient
import APISchema
import FUSEMount
import Filesystem
import Foundation
import NIOCore
import Primitives
import Synchronization

// Another session in the place of one that is gone: its node ended, or does not answer, or has ended it.

extension SessionEndpoint {
    enum Liveness { case serves, hasEnded, isSilent }

    static let heartbeat = Duration.seconds(5)
    /// Unanswered, one after the other, until a node counts as gone; a connection that breaks tells it at once.
    private static let beatsMissed = 2
    /// A leader lets go of the locks of a node that it has not heard for 30 s (`sessionLease`); until then nobody else can
    /// have had them.
    private static let lockGrace = Duration.seconds(20)

    /// The session is asked about itself: that costs no way to another node.
    func isAlive(_ link: Link) async -> Liveness {
        do throws(FileFailure) {
            let value = try await link.node.probe.perform(.sessionStatus, session: link.session, within: .seconds(4)).outcome.value
            state.withLock { state in
                guard state.link.generation == link.generation else { return }
                state.contact = .now
                if case .session(let status) = value { state.follow(status) }
            }
            return .serves
        } catch {
            if error.isOfSession { return .hasEnded }
            return [.unavailable, .timedOut].contains(error.code) ? .isSilent : .serves
        }
    }

    /// The node ends sessions that nobody uses; and whoever waits for it shall not wait for one that is gone.
    func keepAlive() async {
        var missed = 0
        var beats = 0
        while !Task.isCancelled {
            let link = link
            switch await isAlive(link) {
            case .serves:
                missed = 0
                if beats % 3 == 0 { await nodes.learn(from: link.node) }
                beats += 1
            case .hasEnded: lose(link)
            case .isSilent:
                missed += 1
                if missed >= Self.beatsMissed {
                    lose(link)
                    missed = 0
                }
            }
            try? await Task.sleep(for: Self.heartbeat)
        }
    }

    /// The session of `link` is no more: calls of it are ended, and a new one is sought, once.
    func lose(_ link: Link) {
        let calls = state.withLock { state -> [@Sendable () -> Void]? in
            guard state.link.generation == link.generation, !state.isRecovering, state.end == nil else { return nil }
            state.isRecovering = true
            return state.calls.values.map(\.end)
        }
        guard let calls else { return }
        for end in calls { end() }
        Task { await recover(link) }
    }

    private func recover(_ lost: Link) async {
        Terminal.error("the node at \(lost.node.address) does not serve this mount any more")
        var pause = Duration.milliseconds(50)
        while true {
            let present = await isAlive(lost)
            if present == .serves {
                state.withLock { $0.isRecovering = false }
                return Terminal.error("the node at \(lost.node.address) is back, with the session")
            }
            for address in nodes.addresses {
                do throws(FileFailure) {
                    try await takeOver(by: nodes.node(address), from: lost, wasEnded: present == .hasEnded)
                    return
                } catch {
                    if error.code == .notFound || error.code == .stale, error.operation == "open session" {
                        let cause = FileFailure(.stale, operation: "use", object: "\(filesystem)", cause: error.cause, hint: error.hint)
                        state.withLock { ($0.end, $0.isRecovering) = (cause, false) }
                        return Terminal.error("\(Terminal.escaped(cause.description))")
                    }
                    tell(error)
                }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
        }
    }

    private func takeOver(by node: RegionNodes.Node, from lost: Link, wasEnded: Bool) async throws(FileFailure) {
        let nodeID = try await node.probe.status().node
        if isVolume { try await lookForCommit(node) }
        var options = options
        let (version, isTorn) = state.withLock { ($0.version, $0.journal.isTorn) }
        if isVolume, options.version == nil { options.startsAt = version }
        if !isVolume { options.succeeds = SessionPredecessor(node: lost.nodeID, session: lost.session) }
        let session = try await node.client.openSession(filesystem, options: options, within: .seconds(10))
        let link = Link(generation: lost.generation + 1, node: node, nodeID: nodeID, session: session)
        do throws(FileFailure) {
            if isVolume { try await stageAgain(link, isTorn: isTorn) }
            try await openAgain(link, keepsLocks: !wasEnded)
        } catch {
            try? await node.client.closeSession(session, isPatient: false)
            throw error
        }
        state.withLock { state in
            state.link = link
            state.isRecovering = false
            state.contact = .now
        }
        moved.withLock { $0 }?(link)
        Terminal.error("the node at \(node.address) serves this mount now")
    }

    // MARK: What was staged

    /// A commit whose answer was lost with its node may have been published: its message tells.
    private func lookForCommit(_ node: RegionNodes.Node) async throws(FileFailure) {
        guard let token = state.withLock({ $0.commit?.token }), state.withLock({ $0.commit?.found }) == nil else { return }
        let session = try await node.client.openSession(filesystem, options: SessionOptions(readOnly: true), within: .seconds(10))
        let answer: FileValue
        do throws(FileFailure) {
            answer = try await node.client.perform(.history(limit: 100), session: session, within: .seconds(10)).outcome.value
        } catch {
            try? await node.client.closeSession(session, isPatient: false)
            throw error
        }
        try? await node.client.closeSession(session, isPatient: false)
        guard case .history(let versions) = answer, let found = versions.first(where: { $0.message.contains(token) }) else { return }
        let receipt = CommitReceipt(
            version: found.version, digest: found.digest, conflicts: [], completeRegions: [], changes: found.changes)
        state.withLock { state in
            state.commit?.found = receipt
            state.committed(receipt.version, leavesOutOpenFiles: state.commit?.leavesOutOpenFiles ?? false)
        }
    }

    private func stageAgain(_ link: Link, isTorn: Bool) async throws(FileFailure) {
        state.withLock { $0.numbers.beginAnew() }
        guard !isTorn else { return loseStaged("more was staged than a mount keeps, or an earlier mount had staged it") }
        let entries = state.withLock { $0.journal.entries }
        for entry in entries {
            do throws(FileFailure) { try await stage(entry.change, link) } catch {
                guard ![.unavailable, .timedOut, .overloaded].contains(error.code) else { throw error }
                loseStaged("\(error.operation) \(error.object): \(error.cause)")
                // The session has a part of it, which nobody asked for.
                throw FileFailure(.unavailable, operation: "stage again", object: error.object, cause: error.cause)
            }
        }
        if !entries.isEmpty { Terminal.error("staged \(entries.count) \(entries.count == 1 ? "change" : "changes") again") }
    }

    private func loseStaged(_ cause: String) {
        let failure = FileFailure(
            .ioError, operation: "commit", object: "mount", cause: "what was staged since the last commit is lost with its node: \(cause)",
            hint: "write it again")
        let isNews = state.withLock { state in
            guard state.hasStaged else { return false }
            state.journal = SessionJournal()
            (state.loss, state.hasStaged) = (failure, false)
            for handle in state.files.keys where state.files[handle]?.writes == true { state.files[handle]?.failure = failure }
            return true
        }
        if isNews { Terminal.error("\(Terminal.escaped(failure.description))") }
    }

    private func stage(_ change: SessionJournal.Change, _ link: Link) async throws(FileFailure) {
        switch change {
        case .operation(let operation): _ = try await ask(operation, link)
        case .made(let path, let object, let number):
            let value = try await ask(.make(path: path, object), link)
            switch value {
            case .opened(let handle, let attributes):
                state.withLock { $0.numbers.learn(number, is: attributes.inode) }
                try await close(handle, link)
            case .attributes(let attributes): state.withLock { $0.numbers.learn(number, is: attributes.inode) }
            default: break
            }
        case .content(let number, let writes):
            guard case .opened(let handle, _) = try await ask(.open(path: FilePath(base: number, components: []), mode: .write), link)
            else { return }
            try await write(writes, handle, link)
            try await close(handle, link)
        }
    }

    // MARK: Open files

    private func openAgain(_ link: Link, keepsLocks: Bool) async throws(FileFailure) {
        let (files, contact) = state.withLock { (Array($0.files.keys), $0.contact) }
        let mayLock = keepsLocks && ContinuousClock.now - contact < Self.lockGrace
        var lost = 0
        for handle in files {
            do throws(FileFailure) {
                try await reopen(handle, link)
                if try await !lockAgain(handle, link, mayLock: mayLock) { lost += 1 }
            } catch {
                guard ![.unavailable, .timedOut, .overloaded].contains(error.code) else { throw error }
                let failure = FileFailure(
                    error.code == .notFound || error.code == .stale ? .stale : .ioError, operation: "use", object: "open file",
                    cause: "it could not be opened again: \(error.cause)")
                state.withLock { $0.files[handle]?.failure = failure }
                Terminal.error("\(Terminal.escaped(failure.description))")
            }
        }
        if !files.isEmpty { Terminal.error("opened \(files.count) \(files.count == 1 ? "file" : "files") again") }
        if lost > 0 { Terminal.error("locks on \(lost) \(lost == 1 ? "file are" : "files are") lost: others may have had them") }
    }

    /// Opened by what it is, not by its name; what was written and not flushed is written again.
    func reopen(_ handle: HandleID, _ link: Link) async throws(FileFailure) {
        guard let file = state.withLock({ $0.files[handle] }), file.failure == nil else { return }
        let operation = FileOperation.open(path: FilePath(base: file.object, components: []), mode: file.writes ? .write : .read)
        guard case .opened(let real, _) = try await ask(operation, link) else { return }
        try await write(file.unflushed, real, link)
        // A volume's commit may publish what was synced.
        if isVolume, file.isSynced {
            _ = try await link.node.client.perform(.sync(handle: real), session: link.session, within: .seconds(60))
        }
        state.withLock { state in
            state.files[handle]?.real = real
            state.files[handle]?.generation = link.generation
        }
    }

    /// False where a lock is lost.
    private func lockAgain(_ handle: HandleID, _ link: Link, mayLock: Bool) async throws(FileFailure) -> Bool {
        guard let file = state.withLock({ $0.files[handle] }), !file.locks.isEmpty else { return true }
        do throws(FileFailure) {
            for lock in file.locks {
                guard mayLock else { throw FileFailure(.wouldBlock, operation: "lock", object: "open file", cause: "too late") }
                let operation = FileOperation.lock(handle: file.real, range: lock.range, exclusive: lock.exclusive, wait: false)
                _ = try await link.node.client.perform(operation, session: link.session, within: .seconds(10))
            }
            return true
        } catch {
            guard error.code == .wouldBlock else { throw error }
            state.withLock { state in
                state.files[handle]?.hasLostLocks = true
                state.files[handle]?.locks = []
            }
            return false
        }
    }

    /// An operation of a session that is not in use yet, its objects by the numbers that the mount shows.
    private func ask(_ operation: FileOperation, _ link: Link) async throws(FileFailure) -> FileValue {
        for path in operation.paths where state.withLock({ $0.numbers.real(path.base) }) == nil {
            guard let name = nameOf.withLock({ $0 })?(path.base) else {
                throw FileFailure(.stale, operation: "use", object: "\(path.base)", cause: "no name of it is known any more")
            }
            let stat = FileOperation.stat(path: name, followLinks: false)
            guard
                case .attributes(let found) = try await link.node.client.perform(stat, session: link.session, within: .seconds(10))
                    .outcome.value
            else { continue }
            state.withLock { $0.numbers.learn(path.base, is: found.inode) }
        }
        let known = state.withLock { state in operation.rebased { state.numbers.real($0) ?? $0 } }
        return try await link.node.client.perform(known, session: link.session, within: .seconds(20)).outcome.value
    }

    private func write(_ writes: [SessionJournal.Write], _ handle: HandleID, _ link: Link) async throws(FileFailure) {
        for write in writes {
            let operation = FileOperation.write(handle: handle, offset: write.offset)
            _ = try await link.node.client.perform(operation, session: link.session, payload: write.bytes, within: .seconds(60))
        }
    }

    private func close(_ handle: HandleID, _ link: Link) async throws(FileFailure) {
        _ = try await link.node.client.perform(.close(handle: handle, abandon: false), session: link.session, within: .seconds(60))
    }
}

extension SessionEndpoint.State {
    /// `volume commit` and `volume reload` of a mount point ask the node by themselves: what the journal has is published then,
    /// or a part of it.
    mutating func follow(_ status: SessionStatus) {
        guard status.version > version, !isCommitting, commit == nil else { return }
        version = status.version
        journal = SessionJournal()
        hasStaged = status.staged > 0
        if hasStaged { journal.tear() }
    }
}
