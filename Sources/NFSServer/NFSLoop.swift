import Glibc
import Logging
import NFSProtocol
import NIOCore
import Primitives
import Synchronization

/// The one owner of the server's state: events are handled one after the other on one event loop, on which its connections are too.
final class NFSLoop: @unchecked Sendable {
    // Everything below but `told` is touched on `loop` only.
    private var state: NFSState
    private var handlers: [ConnectionID: NFSConnection] = [:]
    private var nextConnection: UInt64 = 1
    private var effects: [NFSEffect] = []
    private var tick: RepeatedTask?
    private var isStopped = false

    let loop: any EventLoop
    private let seam: SeamSessions
    private let limit: Int
    private let logger: Logger
    /// What `counts` tells other threads.
    private let told = Mutex<NFSCounts>(NFSCounts())
    /// As of the last tick.
    private let toldFigures = Mutex<NFSFigures>(NFSFigures())

    init(state: NFSState, seam: SeamSessions, loop: any EventLoop, connections: Int, logger: Logger) {
        self.state = state
        self.seam = seam
        self.loop = loop
        limit = connections
        self.logger = logger
    }

    var counts: NFSCounts { told.withLock { $0 } }
    var figures: NFSFigures { toldFigures.withLock { $0 } }

    func start() {
        loop.execute {
            self.tick = self.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in self.handle(.tick) }
        }
    }

    func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                self.isStopped = true
                self.tick?.cancel()
                for (_, handler) in self.handlers { handler.close() }
                continuation.resume()
            }
        }
    }

    /// Nil where there are too many already.
    func connected(_ handler: NFSConnection, address: String) -> ConnectionID? {
        guard !isStopped, handlers.count < limit else { return nil }
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        handlers[id] = handler
        handle(.connected(id, address: address))
        return id
    }

    func received(_ record: [UInt8], on id: ConnectionID) { handle(.record(id, record)) }

    func disconnected(_ id: ConnectionID) {
        handlers[id] = nil
        handle(.disconnected(id))
    }

    private func handle(_ event: NFSEvent) {
        guard !isStopped else { return }
        state.handle(event, now: Self.now, civil: Self.civil, into: &effects)
        let batch = effects
        effects.removeAll(keepingCapacity: true)
        for effect in batch { interpret(effect) }
        if case .tick = event {
            let figures = state.figures
            toldFigures.withLock { $0 = figures }
        }
        let counts = state.counts
        told.withLock {
            $0.clients = counts.clients
            $0.sessions = counts.sessions
            $0.states = counts.states
            $0.connections = handlers.count
            if case .record = event { $0.calls += 1 }
        }
    }

    private func interpret(_ effect: NFSEffect) {
        switch effect {
        case .reply(let id, let parts): handlers[id]?.send(parts)
        case .close(let id, let why):
            logger.debug("an NFS connection was closed", metadata: ["cause": "\(why)"])
            handlers[id]?.close()
        case .call(let id, let call):
            Task { [seam, loop] in
                let answer = await seam.carryOut(call)
                loop.execute { self.handle(.answered(id, answer)) }
            }
        case .endSession(let user): Task { [seam] in await seam.end(user) }
        }
    }

    private static var now: Instant { Instant(nanoseconds: Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }

    static var civil: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

/// What the server has, for metrics.
package struct NFSCounts: Hashable, Sendable {
    package var connections = 0
    package var clients = 0
    package var sessions = 0
    /// Opens, and lock owners with their files.
    package var states = 0
    /// Records received.
    package var calls: UInt64 = 0
}
