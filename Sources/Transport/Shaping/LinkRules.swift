package import Primitives

/// What one direction of a link does to traffic. Times and rates of one way only: the round trip
/// between two places is the delay there plus the delay back.
package struct LinkRule: Hashable, Sendable {
    /// One-way delay, half of the map's round trip. Default 0, range 0 to 10 s.
    package var delay: Duration
    /// Standard deviation of the one-way delay; drawn per datagram and per piece of a flow, bell
    /// shaped, never beyond 3.5 deviations. Default 0. Advice: 0.2 to 1 % of the delay between regions.
    package var jitter: Duration
    /// Probability that a datagram, or a segment of 1,448 bytes of a flow, is lost. A flow shows a loss
    /// as a later arrival and as a smaller window (see `FlowScheduler`). Default 0, range 0 to 1.
    package var loss: Double
    /// Bytes that one flow may have in flight, so that its throughput is at most window ÷ round trip.
    /// Nil: no limit. Advice: about 1 MiB, which is what one default TCP flow carries per round trip.
    package var window: Int?
    /// Bytes per second that each node of the one region may send to the other, by all its flows and datagrams
    /// together: who makes rules divides a link's capacity by the nodes that share it. Nil: no limit.
    package var capacity: Int?
    /// Nothing passes. Flows stall and, after the stall limit, break; datagrams are lost.
    package var isBlocked: Bool
    /// Flows wait, but do not break; datagrams are lost.
    package var isPaused: Bool

    package init(
        delay: Duration = .zero, jitter: Duration = .zero, loss: Double = 0, window: Int? = nil, capacity: Int? = nil,
        isBlocked: Bool = false, isPaused: Bool = false
    ) {
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.window = window
        self.capacity = capacity
        self.isBlocked = isBlocked
        self.isPaused = isPaused
    }

    /// The rule of places between which nothing is shaped.
    package static let none = LinkRule()

    /// The window with which a flow carries `bytesPerSecond` over `roundTrip`.
    package static func window(bytesPerSecond: Int, roundTrip: Duration) -> Int {
        max(1, Int(Double(bytesPerSecond) * Double(roundTrip.inNanoseconds) / 1e9))
    }

    var isStopped: Bool { isBlocked || isPaused }

    func clamped() -> LinkRule {
        var rule = self
        rule.delay = min(max(delay, .zero), .seconds(10))
        rule.jitter = min(max(jitter, .zero), .seconds(10))
        rule.loss = loss.isFinite ? min(max(loss, 0), 1) : 0
        rule.window = window.map { max($0, 1) }
        rule.capacity = capacity.map { max($0, 1) }
        return rule
    }
}

/// Where a fault applies.
package enum LinkPlace: Hashable, Sendable {
    case anywhere
    case region(RegionID)
    /// Every region but this one.
    case outside(RegionID)
    case node(NodeID)
    case notNode(NodeID)

    func contains(_ end: LinkEnd) -> Bool {
        switch self {
        case .anywhere: true
        case .region(let region): end.region == region
        case .outside(let region): end.region != region
        case .node(let node): end.node == node
        case .notNode(let node): end.node != node
        }
    }
}

/// One end of a link: a node in its region. A node that is not known yet counts as no node.
package struct LinkEnd: Hashable, Sendable {
    package var node: NodeID?
    package var region: RegionID
    package init(node: NodeID?, region: RegionID) {
        self.node = node
        self.region = region
    }
}

/// Something that goes wrong on the way from one place to another, on top of the map.
package struct LinkFault: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case block
        case pause
        /// More one-way delay, and a probability of loss that comes to the rule's own.
        case slow(delay: Duration, loss: Double)
    }
    package var from: LinkPlace
    package var to: LinkPlace
    package var kind: Kind
    package init(from: LinkPlace, to: LinkPlace, kind: Kind) {
        self.from = from
        self.to = to
        self.kind = kind
    }
}

/// The whole of what `LinkShaper` applies: the map of links, and the faults of the moment.
///
/// All nodes of a local cluster get the same value, and each applies the part in which it is the
/// sender. Healing is removing faults: the map stays.
package struct LinkRules: Hashable, Sendable {
    package struct Link: Hashable, Sendable {
        package var from: RegionID
        package var to: RegionID
        package var rule: LinkRule
        package init(from: RegionID, to: RegionID, rule: LinkRule) {
            self.from = from
            self.to = to
            self.rule = rule
        }
    }

    /// Bounds of what is accepted from outside: 181 regions in all directions, and a long list of faults.
    package static let linkLimit = 32_768
    package static let faultLimit = 4_096

    /// Sorted by (from, to), one entry each. A pair that is missing is not shaped.
    package private(set) var links: [Link] = []
    package var faults: [LinkFault] = []
    /// From which jitter and losses are drawn, together with the node and the number of the flow.
    package var seed: UInt64 = 0
    /// How long a flow with unacknowledged bytes may be cut off before it breaks, as TCP breaks after
    /// its retransmissions. Default 15 s, range 1 s to 1 h. Advice: longer than the partitions that a
    /// connection shall survive.
    package var stallLimit: Duration = .seconds(15)

    package init() {}

    package static let none = LinkRules()

    package subscript(from: RegionID, to: RegionID) -> LinkRule? {
        get {
            let index = position(from, to)
            guard index < links.count, links[index].from == from, links[index].to == to else { return nil }
            return links[index].rule
        }
        set {
            let index = position(from, to)
            let present = index < links.count && links[index].from == from && links[index].to == to
            switch (present, newValue) {
            case (true, let rule?): links[index].rule = rule.clamped()
            case (true, nil): links.remove(at: index)
            case (false, let rule?): links.insert(Link(from: from, to: to, rule: rule.clamped()), at: index)
            case (false, nil): break
            }
        }
    }

    /// Both directions of a pair at once; `roundTrip` is halved between them.
    package mutating func set(
        _ a: RegionID, _ b: RegionID, roundTrip: Duration, jitter: Duration = .zero, loss: Double = 0, window: Int? = nil,
        capacity: Int? = nil
    ) {
        let rule = LinkRule(delay: roundTrip / 2, jitter: jitter, loss: loss, window: window, capacity: capacity)
        self[a, b] = rule
        self[b, a] = rule
    }

    private func position(_ from: RegionID, _ to: RegionID) -> Int {
        var low = 0
        var high = links.count
        while low < high {
            let middle = (low + high) / 2
            let link = links[middle]
            if link.from < from || (link.from == from && link.to < to) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What holds on the way from `from` to `to`: the map's rule and every fault that applies.
    package func rule(from: LinkEnd, to: LinkEnd) -> LinkRule {
        var rule = self[from.region, to.region] ?? .none
        for fault in faults where fault.from.contains(from) && fault.to.contains(to) {
            switch fault.kind {
            case .block: rule.isBlocked = true
            case .pause: rule.isPaused = true
            case .slow(let delay, let loss):
                rule.delay += delay
                rule.loss = 1 - (1 - rule.loss) * (1 - loss)
            }
        }
        return rule.clamped()
    }
}

extension LinkRules {
    /// Cuts two regions off from each other, both ways.
    package mutating func partition(_ a: RegionID, _ b: RegionID) {
        add(LinkFault(from: .region(a), to: .region(b), kind: .block))
        add(LinkFault(from: .region(b), to: .region(a), kind: .block))
    }

    /// Cuts a region off from all others.
    package mutating func isolate(_ region: RegionID) {
        add(LinkFault(from: .region(region), to: .outside(region), kind: .block))
        add(LinkFault(from: .outside(region), to: .region(region), kind: .block))
    }

    /// Cuts a node off from all others.
    package mutating func isolate(_ node: NodeID) {
        add(LinkFault(from: .node(node), to: .notNode(node), kind: .block))
        add(LinkFault(from: .notNode(node), to: .node(node), kind: .block))
    }

    /// Adds `roundTrip` to the way between two regions, half each way, and `loss` to each way.
    package mutating func slow(_ a: RegionID, _ b: RegionID, roundTrip: Duration, loss: Double = 0) {
        add(LinkFault(from: .region(a), to: .region(b), kind: .slow(delay: roundTrip / 2, loss: loss)))
        if a != b { add(LinkFault(from: .region(b), to: .region(a), kind: .slow(delay: roundTrip / 2, loss: loss))) }
    }

    /// Removes every fault; the map stays.
    package mutating func heal() { faults = [] }

    private mutating func add(_ fault: LinkFault) {
        if !faults.contains(fault), faults.count < Self.faultLimit { faults.append(fault) }
    }
}
