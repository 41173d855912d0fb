import Glibc
import NIOCore
import NodeCore
import Primitives

/// The one owner of a node's state. Events are handed to it from any thread and handled one after
/// the other on one event loop; their effects are interpreted there, in order.
final class NodeLoop: @unchecked Sendable {
    // `state`, `timers` and `effects` are touched on `loop` only.
    private var state: NodeState
    private var timers: [TimerKey: (generation: UInt64, scheduled: Scheduled<Void>)] = [:]
    private var effects: [Effect] = []
    private let loop: any EventLoop
    private let clock: NodeClock
    private var interpret: ((Effect) -> Void)?
    private var isStopped = false

    init(state: NodeState, loop: any EventLoop, clock: NodeClock) {
        self.state = state
        self.loop = loop
        self.clock = clock
    }

    /// Begins; `interpret` is called on the loop for every effect, those of time excepted.
    func start(interpret: @escaping @Sendable (Effect) -> Void) {
        loop.execute {
            self.interpret = interpret
            self.state.start(now: self.clock.now, into: &self.effects)
            self.drain()
        }
    }

    func post(_ event: Event) {
        loop.execute { self.handle(event) }
    }

    /// Looks at the state between two events; for status.
    func read<Result: Sendable>(_ body: @escaping @Sendable (borrowing NodeState) -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body(self.state)) }
        }
    }

    /// No event is handled after this.
    func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                self.isStopped = true
                for (_, timer) in self.timers { timer.scheduled.cancel() }
                self.timers = [:]
                self.interpret = nil
                continuation.resume()
            }
        }
    }

    private func handle(_ event: Event) {
        guard !isStopped else { return }
        state.handle(event, now: clock.now, into: &effects)
        drain()
    }

    private func drain() {
        // Interpreting may not add effects here: completions come back as events.
        let batch = effects
        effects.removeAll(keepingCapacity: true)
        for effect in batch {
            switch effect {
            case .startTimer(let key, let generation, let at): startTimer(key, generation, at)
            case .cancelTimer(let key): timers.removeValue(forKey: key)?.scheduled.cancel()
            default: interpret?(effect)
            }
        }
    }

    private func startTimer(_ key: TimerKey, _ generation: UInt64, _ at: Instant) {
        timers[key]?.scheduled.cancel()
        let delay = max(0, (at - clock.now).inNanoseconds)
        let scheduled = loop.scheduleTask(in: .nanoseconds(delay)) {
            guard let running = self.timers[key], running.generation == generation else { return }
            self.timers[key] = nil
            if case .housekeeping = key { self.state.setCivil(self.clock.civil, now: self.clock.now) }
            self.handle(.timer(key, generation: generation))
        }
        timers[key] = (generation, scheduled)
    }
}

/// The clocks of the machine: one that never steps for the core, and civil time for files.
struct NodeClock: Sendable {
    private let origin = Self.boot()

    /// CLOCK_BOOTTIME goes on while the machine is suspended, so that a lease never outlives it.
    var now: Instant { Instant(nanoseconds: Self.boot() - origin) }

    private static func boot() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    var civil: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
