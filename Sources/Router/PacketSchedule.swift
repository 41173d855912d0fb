package import Primitives
package import Transport

/// When each packet between two regions leaves the router, or that it is dropped. A value without I/O:
/// a packet goes in by `admit` with the time at which it came, and comes out by `popDue` when its time
/// has come.
///
/// On its way a packet passes, in this order:
/// - the cut: nothing passes a link that is blocked or paused; what is on its way then is lost too;
/// - the loss of the link, drawn for each packet;
/// - the sender's end of the link, which takes `bytes ÷ capacity` for each packet of all flows, and drops
///   what would wait longer than `queueLimit` there, or finds more than `linkLimit` packets under way (tail drop);
/// - the delay of the link and the jitter drawn for the packet. A packet never overtakes one of its own
///   flow: real routes keep a flow on one path, and TCP takes reordering for loss. A dense flow with
///   jitter therefore has more than the mean delay, by up to 3.5 deviations.
///
/// Windows of rules are not applied: the kernel's own TCP is what sends here.
package struct PacketSchedule<Packet> {
    /// Packets on their way over one direction of a link, at most: 24 MB, which is 350 MB/s over 70 ms.
    package static var linkLimit: Int { 16_384 }
    /// How long a packet may wait for the link before it is dropped instead.
    package static var queueLimit: Duration { .milliseconds(200) }
    /// Flows of a link whose order is kept apart from each other; those beyond share a place.
    static var flowSlots: Int { 256 }

    package enum Drop: Hashable, Sendable {
        /// The link is cut.
        case cut
        case loss
        /// The queue at the link, or the link itself, is full.
        case full
    }

    package enum Verdict: Hashable, Sendable {
        case leaves(Instant)
        case dropped(Drop)
    }

    /// One direction.
    private struct Link {
        var rule: LinkRule
        var capacity = LinkCapacity()
        var underway = 0
        /// The last arrival of each flow, by its slot; made with the first packet.
        var lastLeave: [Instant] = []
        var random: SeededGenerator
        var isCut: Bool { rule.isBlocked || rule.isPaused }
    }

    /// The regions, by their place.
    package private(set) var regions: [RegionID] = []
    /// A row for each sender, in it a link for each receiver.
    private var links: [[Link]] = []
    private var queue = LeaveHeap<(packet: Packet, from: Int32, to: Int32)>()

    package init(regions: [RegionID], rules: LinkRules) { update(regions: regions, rules: rules) }

    package var count: Int { queue.count }
    package var nextWake: Instant? { queue.first }

    /// New rules, for packets that come from now on. Regions that are there keep their places; new ones follow.
    package mutating func update(regions new: [RegionID], rules: LinkRules) {
        regions += new.filter { !regions.contains($0) }
        for (from, sender) in regions.enumerated() {
            if from == links.count { links.append([]) }
            for (to, receiver) in regions.enumerated() {
                let rule = rules.rule(from: LinkEnd(node: nil, region: sender), to: LinkEnd(node: nil, region: receiver))
                if to < links[from].count {
                    links[from][to].rule = rule
                } else {
                    let seed = SeededGenerator.mix(rules.seed ^ UInt64(from << 16 | to))
                    links[from].append(Link(rule: rule, random: SeededGenerator(seed: seed)))
                }
            }
        }
    }

    /// `flow` is any number that packets of one flow share. `from` and `to` are places of regions.
    package mutating func admit(_ packet: Packet, bytes: Int, from: Int, to: Int, flow: UInt32, now: Instant) -> Verdict {
        let verdict = Self.judge(&links[from][to], bytes: bytes, flow: flow, now: now)
        if case .leaves(let time) = verdict { queue.push((packet, Int32(from), Int32(to)), at: time) }
        return verdict
    }

    private static func judge(_ link: inout Link, bytes: Int, flow: UInt32, now: Instant) -> Verdict {
        guard !link.isCut else { return .dropped(.cut) }
        let rule = link.rule
        if rule.loss > 0, link.random.unit() < rule.loss { return .dropped(.loss) }
        guard link.underway < linkLimit, rule.capacity == nil || link.capacity.backlog(now: now) <= queueLimit else {
            return .dropped(.full)
        }
        let departure = link.capacity.reserve(bytes, rate: rule.capacity, now: now)
        let jitter = rule.jitter == .zero ? .zero : drawJitter(deviation: rule.jitter, random: &link.random)
        if link.lastLeave.isEmpty { link.lastLeave = Array(repeating: .zero, count: flowSlots) }
        let slot = Int(flow % UInt32(flowSlots))
        let time = max(departure + max(rule.delay + jitter, .zero), link.lastLeave[slot])
        link.lastLeave[slot] = time
        link.underway += 1
        return .leaves(time)
    }

    /// A packet whose time has come and where it goes: nil where the link was cut in the meantime.
    package mutating func popDue(now: Instant) -> (packet: Packet, to: Int?)? {
        guard let (packet, from, to) = queue.popDue(now: now) else { return nil }
        links[Int(from)][Int(to)].underway -= 1
        return (packet, links[Int(from)][Int(to)].isCut ? nil : Int(to))
    }
}

extension PacketSchedule: Sendable where Packet: Sendable {}
