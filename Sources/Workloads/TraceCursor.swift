package import Filesystem
package import Primitives

/// One client of a trace at work: each event no earlier than at its time, one after the other. Files stay
/// open between reads or writes of them until they are closed, or used the other way. On a volume a
/// trace that never commits does so at each sync and each close of a written file; one that never reloads
/// takes what its region has whenever it opens or looks at something and has nothing staged.
package struct TraceCursor: ClientCursor {
    package let task: WorkloadTask
    package private(set) var gaveUp: FileFailure?
    private let trace: Trace
    private let events: [Trace.Event]
    private let base: FilePath
    private let seed: UInt64
    private let commitsAtClose: Bool
    private let reloadsAlways: Bool

    private enum Stage { case opening, working, pausing, closing, finished }
    private struct Open {
        var handle: HandleID
        var writes: Bool
    }
    private struct Step {
        var operation: FileOperation
        var timed: WorkloadOperation?
        var payload: Payload?
        /// Its handle is that of this file.
        var path: String?
    }

    private var stage = Stage.opening
    private var place = 0
    private var queue: [Step] = []
    private var open: [String: Open] = [:]  // looked up only
    private var seen: Set<String> = []  // looked up only
    private var isStaged = false
    private var began: Instant?
    private var samples: [Sample] = []
    /// Events that began more than a tenth of a second after their time.
    package private(set) var late = 0

    package init(_ trace: Trace, client: Int, base: FilePath, kind: FilesystemKind, region: RegionID, repetition: Int, seed: UInt64) {
        self.trace = trace
        self.base = base
        self.seed = seed
        events = trace.events.filter { $0.client == client }
        commitsAtClose = !trace.has(.commit)
        reloadsAlways = !trace.has(.reload)
        task = WorkloadTask(kind: kind, region: region, part: .cell(repetition: repetition), client: client)
    }

    package var title: String { trace.name }

    package mutating func takeSamples() -> [Sample] {
        defer { samples = [] }
        return samples
    }

    /// Content of a file at a place; the same whoever writes it there.
    package static func payload(_ path: String, _ offset: UInt64, _ bytes: UInt32, seed: UInt64) -> Payload {
        var mixed = SeededGenerator.mix(seed ^ offset)
        for byte in path.utf8 { mixed = SeededGenerator.mix(mixed ^ UInt64(byte)) }
        return .record(seed: mixed, length: bytes)
    }

    package static func path(_ base: FilePath, _ text: String) -> FilePath {
        text.split(separator: "/").reduce(base) { $0.appending(Array($1.utf8)) }
    }

    package mutating func next(now: Instant) -> WorkloadStep {
        if began == nil { began = now }
        while true {
            switch stage {
            case .opening: return .openSession(SessionOptions(idleLimit: .seconds(600)))
            case .closing: return .closeSession
            case .finished: return .finished
            case .working, .pausing:
                stage = .working
                while let step = queue.first {
                    if let ready = fill(step) { return ready }
                    queue.removeFirst()
                }
                guard place < events.count else {
                    stage = .closing
                    continue
                }
                let due = (began ?? now) + events[place].at
                if now < due {
                    stage = .pausing
                    return .pause(due - now)
                }
                if now - due > .milliseconds(100) { late += 1 }
                plan(events[place])
                place += 1
            }
        }
    }

    /// Nil where the file could not be opened.
    private func fill(_ step: Step) -> WorkloadStep? {
        guard let path = step.path else { return .perform(step.operation, payload: nil) }
        guard let handle = open[path]?.handle else { return nil }
        return switch step.operation {
        case .read(_, let offset, let length): .perform(.read(handle: handle, offset: offset, length: length), payload: nil)
        case .write(_, let offset): .perform(.write(handle: handle, offset: offset), payload: step.payload)
        case .sync: .perform(.sync(handle: handle), payload: nil)
        case .close(_, let abandon): .perform(.close(handle: handle, abandon: abandon), payload: nil)
        default: .perform(step.operation, payload: nil)
        }
    }

    private var isVolume: Bool { task.kind == .volume }
    private static let none = HandleID(0)

    private mutating func plan(_ event: Trace.Event) {
        let path = Self.path(base, event.path)
        func plain(_ operation: FileOperation, _ timed: WorkloadOperation) -> Step { Step(operation: operation, timed: timed) }
        switch event.verb {
        case .stat: queue = fresh() + [plain(.stat(path: path, followLinks: true), .stat)]
        case .list: queue = fresh() + [plain(.list(path: path, cookie: 0, limit: 1_000), .list)]
        case .mkdir: queue = [plain(.makeDirectory(path: path, mode: 0o755, parents: true), .makeDirectory)]
        case .rename: queue = closing(event.path) + [plain(.rename(from: path, to: Self.path(base, event.to), noReplace: false), .rename)]
        case .remove: queue = closing(event.path) + [plain(.remove(path: path, recursive: false), .remove)]
        case .read:
            queue = opening(event.path, path, writes: false)
            queue.append(
                Step(operation: .read(handle: Self.none, offset: event.offset, length: event.bytes), timed: .read, path: event.path))
        case .write:
            queue = opening(event.path, path, writes: true)
            let payload = Self.payload(event.path, event.offset, event.bytes, seed: seed)
            queue.append(
                Step(operation: .write(handle: Self.none, offset: event.offset), timed: .write, payload: payload, path: event.path))
        case .sync:
            queue = [Step(operation: .sync(handle: Self.none), timed: .sync, path: event.path)]
            if isVolume, commitsAtClose { queue.append(commit()) }
        case .close: queue = closing(event.path)
        case .commit: queue = isVolume && isStaged ? [commit()] : []
        case .reload: queue = isVolume && !isStaged ? [plain(.reload(.latest, discard: false), .reload)] : []
        }
        if [.write, .mkdir, .rename, .remove].contains(event.verb) { isStaged = true }
        if isVolume, commitsAtClose, [.mkdir, .rename, .remove].contains(event.verb) { queue.append(commit()) }
    }

    private func commit() -> Step { Step(operation: .commit(CommitOptions(message: trace.name)), timed: .commit) }

    /// What others committed and the region has.
    private func fresh() -> [Step] {
        isVolume && reloadsAlways && !isStaged ? [Step(operation: .reload(.local, discard: false), timed: .reloadLocal)] : []
    }

    private func opening(_ name: String, _ path: FilePath, writes: Bool) -> [Step] {
        if let known = open[name] {
            guard known.writes != writes else { return [] }
            return closing(name) + opening(path, name, writes: writes)
        }
        return (writes ? [] : fresh()) + opening(path, name, writes: writes)
    }

    private func opening(_ path: FilePath, _ name: String, writes: Bool) -> [Step] {
        let mode = writes ? OpenMode.create(mode: 0o644, exclusive: false, truncate: false) : .read
        return [Step(operation: .open(path: path, mode: mode), timed: .open)]
    }

    private func closing(_ name: String) -> [Step] {
        guard let known = open[name] else { return [] }
        let close = Step(operation: .close(handle: Self.none, abandon: false), timed: .close, path: name)
        return known.writes && isVolume && commitsAtClose ? [close, commit()] : [close]
    }

    package mutating func complete(_ result: StepResult, took: Duration, now: Instant) {
        switch (stage, result) {
        case (.opening, .sessionOpened): stage = .working
        case (.opening, .failed(let failure)):
            gaveUp = failure
            stage = .finished
        case (.closing, _): stage = .finished
        case (.pausing, _): stage = .working
        case (.working, .done(let outcome)):
            let step = queue.removeFirst()
            note(step, outcome, took)
        case (.working, .failed(let failure)):
            let step = queue.removeFirst()
            queue = []
            sample(step, took, cost: OperationCost(), read: 0, failure: failure)
            if case .close = step.operation, let path = step.path { open[path] = nil }
            // What is staged and cannot be committed would stand in the way of all that follows.
            if case .commit = step.operation {
                queue = [Step(operation: .reload(.local, discard: true))]
                isStaged = false
            }
        case (_, .sessionOpened), (_, .sessionClosed), (_, .paused), (_, .done), (_, .failed):
            preconditionFailure("a result that answers no step")
        }
    }

    private mutating func note(_ step: Step, _ outcome: FileOutcome, _ took: Duration) {
        var read: UInt64 = 0
        switch (step.operation, outcome.value) {
        case (.open(let path, let mode), .opened(let handle, _)):
            let name = Self.name(path, below: base)
            open[name] = Open(handle: handle, writes: mode != .read)
        case (.close, _): if let path = step.path { open[path] = nil }
        case (.read, .data(let length, _)): read = UInt64(length)
        case (.commit, _), (.reload(_, discard: true), _): isStaged = false
        default: break
        }
        sample(step, took, cost: outcome.cost, read: read, failure: nil)
    }

    private static func name(_ path: FilePath, below base: FilePath) -> String {
        path.components.dropFirst(base.components.count).map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    /// Cold the first time that this client does this to this place.
    private mutating func sample(_ step: Step, _ took: Duration, cost: OperationCost, read: UInt64, failure: FileFailure?) {
        guard let operation = step.timed else { return }
        var key = "\(operation.rawValue) \(step.path ?? "")"
        switch step.operation {
        case .stat(let path, _), .list(let path, _, _), .open(let path, _): key += "\(path)"
        case .read(_, let offset, _): key += " \(offset)"
        default: break
        }
        let repeats: [WorkloadOperation] = [.stat, .list, .open, .read]
        let isWarm = repeats.contains(operation) && !seen.insert(key).inserted
        samples.append(
            Sample(
                workload: trace.name, kind: task.kind, region: task.region, operation: operation, cache: isWarm ? .warm : .cold,
                repetition: task.repetition, latency: took, bytesRead: read,
                bytesWritten: failure == nil ? UInt64(step.payload?.length ?? 0) : 0, cost: cost, failure: failure))
    }
}
