package import Membership

/// Which protocol of membership a scenario of gossip runs.
package enum GossipProtocol: String, Sendable, CaseIterable {
    /// The one that nodes run.
    case full
    /// The same without Lifeguard's three parts: local health, dynamic suspicion, buddy system.
    case withoutLifeguard = "without-lifeguard"
    /// Nor what this protocol doubts of itself beyond Lifeguard: SWIM with a suspicion of fixed length.
    case bare

    package var settings: SWIMSettings {
        var settings = SWIMSettings()
        guard self != .full else { return settings }
        settings.guards.localHealth = false
        settings.guards.dynamicSuspicion = false
        settings.guards.buddySystem = false
        settings.guards.selfDoubt = self == .withoutLifeguard
        return settings
    }
}

/// What membership cost in a run, and what it got wrong. A verdict counts once for each member that comes to hold it.
package struct GossipFigures: Hashable, Sendable {
    /// Members that ran and were never starved, stopped or cut off, taken for suspect, and for dead.
    package var suspicions = 0
    package var falsePositives = 0
    /// Of the latter, those that members held who were never starved, stopped or cut off either ("FP-" of the Lifeguard paper).
    package var falsePositivesAtHealthy = 0
    /// Members that a fault starves now and then, taken for dead while their process lived.
    package var starvedTakenForDead = 0
    /// Bytes that a member sends in a second: datagrams with their seal and the headers of UDP and IPv4, and exchanges.
    package var quiet = Bandwidth()
    package var loaded = Bandwidth()

    package struct Bandwidth: Hashable, Sendable {
        package var mean = 0
        package var highest = 0
        /// A run that was stopped before has no figure.
        package var isMeasured: Bool { highest > 0 }

        init() {}
        init(_ bytes: [Int], over nanoseconds: Int64) {
            guard nanoseconds > 0, !bytes.isEmpty else { return }
            let seconds = max(1, nanoseconds / 1_000_000)
            mean = bytes.reduce(0, +) / bytes.count * 1_000 / Int(seconds)
            highest = (bytes.max() ?? 0) * 1_000 / Int(seconds)
        }
    }
}

/// Counts the bytes of some members: of 64, spread evenly, where there are more.
struct GossipMeter {
    /// A datagram's seal (docs/reference/wire.md), and the headers of UDP and IPv4.
    static let overhead = 30 + 28

    private let step: Int
    private var bytes: [Int]
    private var since: Int64 = 0

    init(members: Int) {
        step = max(1, members / 64)
        bytes = Array(repeating: 0, count: (members + step - 1) / step)
    }

    mutating func count(_ node: Int, _ size: @autoclosure () -> Int) {
        if node % step == 0 { bytes[node / step] += size() }
    }

    /// What was counted since the last time.
    mutating func take(at now: Int64) -> GossipFigures.Bandwidth {
        defer {
            for place in bytes.indices { bytes[place] = 0 }
            since = now
        }
        return GossipFigures.Bandwidth(bytes, over: now - since)
    }
}
