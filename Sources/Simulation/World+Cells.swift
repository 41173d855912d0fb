import Filesystem
import NodeCore
import Primitives
import Workloads

/// A client that carries out one cell of a workload at one node: the simulated counterpart of a program
/// that speaks to the node of its region.
struct WorkloadCell {
    var cursor: any ClientCursor
    let node: Int
    let filesystem: FilesystemID
    let kind: FilesystemKind
    /// Tells this run's content from that of all others.
    let stamp: UInt64
    var session: SessionID?
    var samples: [Sample] = []
    var isDone = false
    /// Counts what it waits for; whatever comes for an earlier turn is void.
    var turn: UInt64 = 0
    /// When the step under way began.
    var began: Int64 = 0
    var operation: FileOperation?
    var payloadBytes: UInt64 = 0
    /// What a read is to bring.
    var expected: Workloads.Payload?
    /// What its node has been asked and has not answered yet.
    var request: RequestID?
    var meter = CallMeter()
    /// What the step came to, until its local cost is paid.
    var result: StepResult?
    var opensLeft = 100

    init(_ cursor: any ClientCursor, node: Int, filesystem: FilesystemID, kind: FilesystemKind, stamp: UInt64) {
        self.cursor = cursor
        self.node = node
        self.filesystem = filesystem
        self.kind = kind
        self.stamp = stamp
    }
}

// Steps of workloads as requests to nodes, and replies as results.
extension World {
    /// Far above the live client's two minutes: a plan is to say how long a commit of much content takes over
    /// a long way, not that it is too long.
    private static var operationLimit: Int64 { 3_000_000_000_000 }
    private static var openPause: Int64 { 100_000_000 }
    /// After its bound a call that the node has not answered is given up.
    private static var answerSlack: Int64 { 500_000_000 }

    /// Gives the next step of a cell to its node.
    mutating func beginStep(_ index: Int) {
        let step = cells[index].cursor.next(now: Instant(nanoseconds: now))
        cells[index].began = now
        cells[index].turn += 1
        cells[index].operation = nil
        cells[index].expected = nil
        cells[index].request = nil
        switch step {
        case .finished: cells[index].isDone = true
        case .openSession(let options):
            let filesystem = cells[index].filesystem
            issueStep(index) { request, _ in .openSession(request, filesystem, options) }
        case .closeSession:
            if let session = cells[index].session { complete(.closeSession(session), cells[index].node, after: 1_000) }
            cells[index].session = nil
            cells[index].result = .sessionClosed
            after(1_000, .cell(index, turn: cells[index].turn))
        case .pause(let span):
            cells[index].result = .paused
            after(max(1_000, span.inNanoseconds), .cell(index, turn: cells[index].turn))
        case .perform(let operation, let payload):
            cells[index].operation = operation
            guard let session = cells[index].session else {
                return failStep(index, FileFailure(.stale, operation: "call", object: "session", cause: "the node has started anew"))
            }
            var written: Workloads.Payload?
            if case .read = operation { cells[index].expected = payload } else { written = payload }
            cells[index].payloadBytes = UInt64(written?.length ?? 0)
            let buffer = written.map { hosts[cells[index].node].insert(content(of: $0, stamp: cells[index].stamp)) }
            issueStep(index) { request, deadline in .operation(request, session, operation, payload: buffer, deadline: deadline) }
        }
    }

    private mutating func issueStep(_ index: Int, _ make: (RequestID, Instant) -> Event) {
        let node = cells[index].node
        guard hosts[node].isUp else { return failStep(index, Self.refused(hosts[node].region)) }
        let request = RequestID(hosts[node].nextRequest)
        hosts[node].nextRequest += 1
        hosts[node].requests[request] = -1 - index
        cells[index].request = request
        statistics.operations += 1
        let limit = cells[index].cursor.callLimit?.inNanoseconds ?? Self.operationLimit
        let deadline = Instant(nanoseconds: hosts[node].clock.local(now) + limit)
        complete(make(request, deadline), node, after: 1_000)
        guard cells[index].cursor.callLimit != nil else { return }
        after(limit + Self.answerSlack, .cellOverdue(index, turn: cells[index].turn))
    }

    /// Nobody listens where the node was.
    private static func refused(_ region: RegionID) -> FileFailure {
        FileFailure(.unavailable, operation: "call", object: region.name, cause: "the node there does not answer")
    }

    private mutating func failStep(_ index: Int, _ failure: FileFailure) {
        cells[index].request = nil
        cells[index].result = .failed(failure)
        after(1_000, .cell(index, turn: cells[index].turn))
    }

    /// The node did not answer in time.
    mutating func cellOverdue(_ index: Int, _ turn: UInt64) {
        guard cells.indices.contains(index), cells[index].turn == turn, cells[index].request != nil else { return }
        failStep(index, FileFailure(.timedOut, operation: "call", object: cells[index].cursor.title, cause: "no answer in time"))
    }

    /// The process is gone with all its sessions and connections.
    mutating func cellsLost(_ node: Int) {
        for index in cells.indices where cells[index].node == node && !cells[index].isDone {
            cells[index].session = nil
            if cells[index].request != nil { failStep(index, Self.refused(hosts[node].region)) }
        }
    }

    /// A node has answered: the client has it when the local cost of the call is paid.
    mutating func cellAnswered(_ index: Int, _ reply: Reply, _ data: Content?, _ request: RequestID, _ node: Int) {
        // Whoever has given up waiting hears nothing.
        guard cells.indices.contains(index), cells[index].node == node, cells[index].request == request else { return }
        cells[index].request = nil
        var delay: Int64 = 1_000
        switch reply {
        case .session(let id):
            cells[index].session = id
            cells[index].result = .sessionOpened
        case .failed(let failure)
        where cells[index].session == nil && cells[index].cursor.callLimit == nil && mayOpenLater(failure) && cells[index].opensLeft > 0:
            // A region may hear of a new file system a moment later than its primary.
            cells[index].opensLeft -= 1
            delay = Self.openPause
        case .failed(let failure): cells[index].result = .failed(failure)
        case .outcome(let outcome, _):
            guard let operation = cells[index].operation else { preconditionFailure("an outcome of no operation") }
            let (call, units) = cells[index].meter.note(operation, payload: cells[index].payloadBytes, outcome.value)
            delay += costs.cost(cells[index].kind, call, units: units).inNanoseconds
            let expected = cells[index].expected.map { content(of: $0, stamp: cells[index].stamp) }
            cells[index].result = checked(operation, outcome, data, expected)
        case .catalog: violate(.answers, "an operation was answered with a change of the catalog")
        }
        after(delay, .cell(index, turn: cells[index].turn))
    }

    private func mayOpenLater(_ failure: FileFailure) -> Bool {
        failure.code.isRetryable || failure.code == .notFound || failure.code == .timedOut
    }

    /// A read must bring the bytes that it says it brings, and some.
    private func checked(_ operation: FileOperation, _ outcome: FileOutcome, _ data: Content?, _ expected: Content?) -> StepResult {
        guard case .read(_, let offset, let length) = operation else { return .done(outcome) }
        if case .data(let count, _) = outcome.value, count > 0, count <= length, UInt64(count) == data?.length ?? 0 {
            guard let expected, data?.isSame(as: expected) != true else { return .done(outcome) }
            return .failed(
                FileFailure(.corrupt, operation: "read", object: "\(length) bytes at \(offset)", cause: "they are not what was written"))
        }
        return .failed(
            FileFailure(
                .corrupt, operation: "read", object: "\(length) bytes at \(offset)",
                cause: "\(data?.length ?? 0) bytes came with \(outcome.value)"))
    }

    /// The client has its answer and goes on.
    mutating func cellGoesOn(_ index: Int, _ turn: UInt64) {
        guard cells.indices.contains(index), cells[index].turn == turn, !cells[index].isDone else { return }
        guard let result = cells[index].result else { return beginStep(index) }
        cells[index].result = nil
        let took: Duration = cells[index].operation == nil ? .zero : .nanoseconds(now - cells[index].began)
        cells[index].cursor.complete(result, took: took, now: Instant(nanoseconds: now))
        cells[index].samples += cells[index].cursor.takeSamples()
        beginStep(index)
    }

    // MARK: Content

    /// A payload by what it is: files of the run are streams of its own, which second versions share.
    func content(of payload: Workloads.Payload, stamp: UInt64) -> Content {
        func stream(_ kind: UInt64, _ number: UInt64, _ offset: UInt64, _ length: UInt64) -> Content {
            let tag = SeededGenerator.mix(SeededGenerator.mix(stamp &+ kind) ^ number) | 1
            return Content(tag: tag, length: offset + length).slice(offset, length)
        }
        switch payload {
        case .tree(let index, let offset, let length): return stream(1, UInt64(index), offset, UInt64(length))
        case .large(let index, let salt, let offset, let length):
            return stream(2, UInt64(index) ^ SeededGenerator.mix(salt), offset, UInt64(length))
        case .record(let seed, let length): return stream(3, seed, 0, UInt64(length))
        case .revised(let index, let revision, let offset, let length):
            var whole = Content()
            for piece in revision.pieces(at: offset, length: UInt64(length)) {
                switch piece {
                case .copy(let from, let count): whole.append(stream(2, UInt64(index) ^ SeededGenerator.mix(0), from, count))
                case .fresh(let seed, let count): whole.append(stream(4, seed, 0, count))
                }
            }
            return whole
        }
    }
}
