internal import Logging
internal import NIOCore
internal import Primitives
internal import Synchronization

/// One lane to one peer: a bounded queue that any thread may fill, and the dialled connections that
/// empty it. A message goes, whole, to the connection that has the least to do.
///
/// Connections are dialled on demand: the first message dials the first one, and while all that are up
/// have work another is dialled, up to the lane's number of flows. A control lane that was ever wanted is
/// kept up from then on, with backoff; a bulk lane is dialled again when there is something to send.
///
/// When no connection is left and none is coming up, what was queued is dropped and counted, and
/// `send` says `unreachable` until the next attempt is due: the caller hears at once, and nothing stale
/// is delivered later.
///
/// The queue is under a lock; everything else belongs to `loop`, hence `@unchecked Sendable`.
final class OutgoingLane: @unchecked Sendable {
    private struct Queue {
        var messages = CircularBuffer<OutboundMessage>()
        var bytes = 0
        var isWakeScheduled = false
        var isUnreachable = false
        var isStopped = false
    }

    let peer: PeerAddress
    let lane: Lane
    let loop: any EventLoop
    let context: PeerContext
    let meter: LaneMeter
    private let messageLimit: Int
    private let byteLimit: Int
    private let queue = Mutex(Queue())

    // Confined to `loop`.
    private var connections: [DialledConnection?]
    private var retryAt: [Instant]
    private var backoff: Backoff
    private var retryTimer: Scheduled<Void>?
    private var ticker: RepeatedTask?
    private var isWanted = false
    private var isStopped = false
    private var drained: [EventLoopPromise<Void>] = []

    init(peer: PeerAddress, lane: Lane, loop: any EventLoop, context: PeerContext, meter: LaneMeter) {
        self.peer = peer
        self.lane = lane
        self.loop = loop
        self.context = context
        self.meter = meter
        let settings = context.settings
        messageLimit = lane == .control ? settings.controlQueueMessages : settings.bulkQueueMessages
        byteLimit = lane == .control ? settings.controlQueueBytes : settings.bulkQueueBytes
        let flows = settings.flows(from: context.me.region, to: peer.region, lane: lane)
        connections = Array(repeating: nil, count: flows)
        retryAt = Array(repeating: .zero, count: flows)
        backoff = Backoff(settings)
    }

    // MARK: - From any thread

    func send(_ message: OutboundMessage) -> SendOutcome {
        let (outcome, wake): (SendOutcome, Bool) = queue.withLock { queue in
            if queue.isStopped { return (.refused(.stopped), false) }
            if queue.isUnreachable { return (.refused(.unreachable), false) }
            if queue.messages.count >= messageLimit || queue.bytes >= byteLimit { return (.refused(.queueFull), false) }
            queue.messages.append(message)
            queue.bytes += message.size
            defer { queue.isWakeScheduled = true }
            return (.accepted, !queue.isWakeScheduled)
        }
        if case .refused(.queueFull) = outcome { meter.count { $0.refusedFull += 1 } }
        if wake { loop.execute { self.wake() } }
        return outcome
    }

    /// Dials the first connection without having anything to send.
    func want() {
        loop.execute {
            self.isWanted = true
            self.dialWhereNeeded()
        }
    }

    var depth: (messages: Int, bytes: Int) { queue.withLock { ($0.messages.count, $0.bytes) } }

    /// Done when everything accepted so far has been handed to the kernel, or is lost.
    func drain() -> EventLoopFuture<Void> {
        loop.flatSubmit {
            let promise = self.loop.makePromise(of: Void.self)
            self.drained.append(promise)
            self.checkDrained()
            return promise.futureResult
        }
    }

    func stop(_ reason: String) {
        queue.withLock { $0.isStopped = true }
        loop.execute {
            self.isStopped = true
            self.retryTimer?.cancel()
            for connection in self.connections { connection?.fail(reason) }
            self.dropQueue()
            self.stopTicking()
            self.checkDrained()
        }
    }

    // MARK: - On the loop

    private func wake() {
        queue.withLock { $0.isWakeScheduled = false }
        isWanted = true
        pump()
    }

    /// Hands queued messages to connections that take them, and dials more where all are busy.
    func pump() {
        guard !isStopped else { return }
        while let connection = leastLoaded(), let message = pop() { connection.assign(message) }
        for connection in connections { connection?.write() }
        dialWhereNeeded()
        checkDrained()
    }

    private func leastLoaded() -> DialledConnection? {
        var best: DialledConnection?
        for case let connection? in connections where connection.takesMessages {
            if best.map({ connection.load < $0.load }) ?? true { best = connection }
        }
        return best
    }

    private func pop() -> OutboundMessage? {
        let message: OutboundMessage? = queue.withLock { queue in
            guard let message = queue.messages.popFirst() else { return nil }
            queue.bytes -= message.size
            return message
        }
        if let message {
            meter.count { counters in
                counters.messagesOut += 1
                counters.bytesOut += message.size
            }
        }
        return message
    }

    private func dialWhereNeeded() {
        guard !isStopped else { return }
        let present = connections.compactMap { $0 }
        let isComingUp = present.contains { $0.phase == .dialling }
        let hasIdle = present.contains { $0.takesMessages && $0.load == 0 }
        let hasWork = depth.messages > 0 || present.contains { $0.load > 0 }
        let needed = present.isEmpty ? (hasWork || (isWanted && lane == .control)) : (hasWork && !isComingUp && !hasIdle)
        let now = Instant.now
        guard needed, let free = connections.indices.first(where: { connections[$0] == nil && retryAt[$0] <= now }) else { return }
        let connection = DialledConnection(flow: free, lane: self)
        connections[free] = connection
        startTicking()
        connection.dial()
    }

    func opened(_ connection: DialledConnection) {
        backoff.succeeded()
        context.forget(peer.description)
        let isFirst = !connections.contains { $0 !== connection && $0?.phase == .open }
        meter.count { counters in
            counters.connects += 1
            counters.flowsUp += 1
        }
        context.logger.debug("connected", metadata: ["peer": "\(peer)", "lane": "\(lane)", "flow": "\(connection.flow)"])
        if isFirst { context.delegate?.connected(peer.id, lane: lane, direction: .outgoing, incarnation: connection.incarnation) }
        pump()
    }

    func closed(_ connection: DialledConnection, reason: String, lost: Int) {
        guard connections.indices.contains(connection.flow), connections[connection.flow] === connection else { return }
        connections[connection.flow] = nil
        meter.count { counters in
            counters.dropped += lost
            if connection.wasOpen { counters.flowsUp -= 1 } else { counters.failures += 1 }
        }
        let delay = context.random { self.backoff.failed(random: &$0) }
        retryAt[connection.flow] = .now + delay
        let isAlone = connections.allSatisfy { $0 == nil }
        if !isStopped {
            context.say(.warning, "connection lost or not made; trying again", about: peer.description, reason: reason)
        }
        if isAlone { lostAll(retryIn: delay) }
        context.delegate?.disconnected(peer.id, lane: lane, direction: .outgoing, reason: reason)
        checkDrained()
    }

    /// Nothing is up: what waits is dropped, and `send` refuses until the next attempt.
    private func lostAll(retryIn delay: Duration) {
        stopTicking()
        dropQueue()
        guard !isStopped else { return }
        queue.withLock { $0.isUnreachable = true }
        retryTimer?.cancel()
        retryTimer = loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
            self.queue.withLock { $0.isUnreachable = false }
            for flow in self.retryAt.indices { self.retryAt[flow] = .zero }
            self.dialWhereNeeded()
        }
    }

    private func dropQueue() {
        let count = queue.withLock { queue in
            defer {
                queue.messages.removeAll()
                queue.bytes = 0
            }
            return queue.messages.count
        }
        if count > 0 { meter.count { $0.dropped += count } }
    }

    private func checkDrained() {
        guard !drained.isEmpty, isStopped || (depth.messages == 0 && !connections.contains { ($0?.load ?? 0) > 0 }) else { return }
        let promises = drained
        drained = []
        for promise in promises { promise.succeed(()) }
    }

    // MARK: - Keepalive

    private func startTicking() {
        guard ticker == nil else { return }
        let interval = TimeAmount(min(max(context.settings.keepalive / 2, .milliseconds(20)), .seconds(1)))
        ticker = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let now = Instant.now
            for connection in self.connections { connection?.tick(now: now) }
        }
    }

    private func stopTicking() {
        ticker?.cancel()
        ticker = nil
    }
}
