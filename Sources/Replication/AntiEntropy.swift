package import Primitives

/// What nodes say to each other to compare their chunks.
package enum AntiEntropyMessage: Hashable, Sendable, XDRCodable {
    package static let maximumPage = 4_096

    /// Asks for a summary of the chunks that the receiver holds and the sender should hold too.
    case summaryRequest(round: UInt64)
    case summary(round: UInt64, HoldingSummary)
    /// Asks for those chunks by name: of one range, behind `after`, at most `limit`.
    case listRequest(round: UInt64, ChunkRange, after: ChunkID?, limit: UInt32)
    /// In order of name.
    case list(round: UInt64, [ChunkReference], isLast: Bool)

    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .summaryRequest(let round):
            writer.write(UInt32(1))
            writer.write(round)
        case .summary(let round, let summary):
            writer.write(UInt32(2))
            writer.write(round)
            writer.write(summary)
        case .listRequest(let round, let range, let after, let limit):
            writer.write(UInt32(3))
            writer.write(round)
            writer.write(range)
            writer.write(after)
            writer.write(limit)
        case .list(let round, let chunks, let isLast):
            writer.write(UInt32(4))
            writer.write(round)
            writer.write(chunks)
            writer.write(isLast)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        switch try reader.uint32("anti-entropy message", in: 1...4) {
        case 1: self = .summaryRequest(round: try reader.uint64())
        case 2: self = .summary(round: try reader.uint64(), try reader.value())
        case 3:
            self = .listRequest(
                round: try reader.uint64(), try reader.value(), after: try reader.optional(),
                limit: try reader.uint32("limit of a page", in: 1...UInt32(Self.maximumPage)))
        default: self = .list(round: try reader.uint64(), try reader.array(limit: Self.maximumPage), isLast: try reader.bool())
        }
    }
}

package struct AntiEntropySettings: Hashable, Sendable {
    /// Pause between rounds; default 30 s, range 1 s...1 day. Each round takes the next peer.
    package var interval: Duration = .seconds(30)
    /// Time for each answer before the round is given up; default 20 s, range 1...600 s.
    package var timeout: Duration = .seconds(20)
    /// Chunks in one page; default 1,024, range 1...4,096.
    package var page: UInt32 = 1_024
    /// Missing chunks asked for in one round; default 8,192. The rest comes with later rounds.
    package var maximumRepairs = 8_192
    package init() {}
}

/// How a round went.
package struct AntiEntropyReport: Hashable, Sendable {
    package let peer: NodeID
    package var differingRanges = 0
    package var compared = 0
    package var missing = 0
    /// Nil where the round went through.
    package var failure: String?
}

package enum AntiEntropyEvent: Hashable, Sendable {
    /// The nodes with which placement shares chunks: those of the same region.
    case peers([NodeID])
    /// This node's own summary, of the chunks that it holds and that both it and the peer should hold.
    case summarized(round: UInt64, HoldingSummary)
    case received(NodeID, AntiEntropyMessage)
    /// Which chunks of a page are not here.
    case checked(round: UInt64, missing: [ChunkReference])
    case tick
}

package enum AntiEntropyEffect: Hashable, Sendable {
    case send(NodeID, AntiEntropyMessage)
    /// Make a summary of what this node and the peer share, and hand it back as `summarized`.
    case summarize(round: UInt64, peer: NodeID)
    /// Answer a peer with such a summary.
    case answerSummary(NodeID, round: UInt64)
    /// Answer a peer with a page of the chunks held here that the peer should hold.
    case answerList(NodeID, round: UInt64, ChunkRange, after: ChunkID?, limit: UInt32)
    /// Look which of these are not here, and hand them back as `checked`.
    case check(round: UInt64, [ChunkReference])
    /// Fetch these, with the peer as the first source.
    case repair([ChunkReference], from: NodeID)
    case finished(AntiEntropyReport)
}

/// Brings back copies that went missing: a disk lost, a push left out, a node that joined.
///
/// Each node goes round its region's peers and pulls from each what it should hold too. A round
/// compares summaries of 256 ranges (9 KiB), asks for the names of the differing ranges page by page,
/// and fetches what is not here; a peer that holds *fewer* chunks finds out in its own rounds. Who
/// should hold what is computed by both sides alike, without regard to who seems alive
/// (`ChunkPlacement.isTarget(ignoringLiveness: true)`). The answering side keeps no state.
///
/// Names stay in the store: the machine sees one page at a time.
package struct AntiEntropy: Sendable {
    private enum Step: Sendable {
        case idle
        /// Waiting for one summary or both.
        case comparing(own: HoldingSummary?, theirs: HoldingSummary?)
        case listing
        case checking(isLast: Bool)
    }

    package let settings: AntiEntropySettings
    private var peers: [NodeID] = []
    private var step = Step.idle
    private var round: UInt64 = 0
    private var ranges: [ChunkRange] = []
    private var position: ChunkID?
    private var report = AntiEntropyReport(peer: NodeID(0))
    private var last: NodeID?
    /// Of the next round while idle, else of giving up this one.
    package private(set) var nextWakeup: Instant?

    package init(settings: AntiEntropySettings = AntiEntropySettings()) { self.settings = settings }

    package mutating func handle(_ event: AntiEntropyEvent, now: Instant, into effects: inout [AntiEntropyEffect]) {
        switch event {
        case .peers(let nodes):
            peers = nodes.sorted()
            if case .idle = step { nextWakeup = peers.isEmpty ? nil : nextWakeup ?? now + settings.interval }
        case .summarized(let round, let summary):
            guard round == self.round, case .comparing(_, let theirs) = step else { return }
            compare(summary, theirs, now, &effects)
        case .received(let peer, let message): received(message, from: peer, now, &effects)
        case .checked(let round, let missing):
            guard round == self.round, case .checking(let isLast) = step else { return }
            repair(missing, isLast: isLast, now, &effects)
        case .tick:
            guard let at = nextWakeup, at <= now else { return }
            if case .idle = step { start(now, &effects) } else { finish("no answer in time", now, &effects) }
        }
    }

    private mutating func start(_ now: Instant, _ effects: inout [AntiEntropyEffect]) {
        guard let peer = peers.first(where: { peer in last.map { $0 < peer } ?? true }) ?? peers.first else { return nextWakeup = nil }
        last = peer
        round += 1
        report = AntiEntropyReport(peer: peer)
        step = .comparing(own: nil, theirs: nil)
        nextWakeup = now + settings.timeout
        effects.append(.summarize(round: round, peer: peer))
        effects.append(.send(peer, .summaryRequest(round: round)))
    }

    private mutating func received(_ message: AntiEntropyMessage, from peer: NodeID, _ now: Instant, _ effects: inout [AntiEntropyEffect]) {
        switch message {
        case .summaryRequest(let round): effects.append(.answerSummary(peer, round: round))
        case .listRequest(let round, let range, let after, let limit):
            effects.append(.answerList(peer, round: round, range, after: after, limit: limit))
        case .summary(let round, let summary):
            guard round == self.round, peer == report.peer, case .comparing(let own, _) = step else { return }
            compare(own, summary, now, &effects)
        case .list(let round, let chunks, let isLast):
            guard round == self.round, peer == report.peer, case .listing = step, let range = ranges.first else { return }
            // A page that does not go forward within its range would never end.
            var previous = position
            for chunk in chunks {
                guard range.contains(chunk.id), previous.map({ $0 < chunk.id }) ?? true else {
                    return finish("a page of range \(range) is out of order", now, &effects)
                }
                previous = chunk.id
            }
            guard isLast || !chunks.isEmpty else { return finish("an empty page of range \(range)", now, &effects) }
            position = previous
            report.compared += chunks.count
            step = .checking(isLast: isLast)
            nextWakeup = now + settings.timeout
            effects.append(.check(round: round, chunks))
        }
    }

    private mutating func compare(_ own: HoldingSummary?, _ theirs: HoldingSummary?, _ now: Instant, _ effects: inout [AntiEntropyEffect]) {
        guard let own, let theirs else { return step = .comparing(own: own, theirs: theirs) }
        ranges = own.differences(from: theirs).filter { theirs[$0].count > 0 }
        report.differingRanges = ranges.count
        position = nil
        ask(now, &effects)
    }

    /// Asks for the next page; ends the round where there is none.
    private mutating func ask(_ now: Instant, _ effects: inout [AntiEntropyEffect]) {
        guard let range = ranges.first, report.missing < settings.maximumRepairs else { return finish(nil, now, &effects) }
        step = .listing
        nextWakeup = now + settings.timeout
        effects.append(.send(report.peer, .listRequest(round: round, range, after: position, limit: settings.page)))
    }

    private mutating func repair(_ missing: [ChunkReference], isLast: Bool, _ now: Instant, _ effects: inout [AntiEntropyEffect]) {
        report.missing += missing.count
        if !missing.isEmpty { effects.append(.repair(missing, from: report.peer)) }
        if isLast {
            ranges.removeFirst()
            position = nil
        }
        ask(now, &effects)
    }

    private mutating func finish(_ failure: String?, _ now: Instant, _ effects: inout [AntiEntropyEffect]) {
        report.failure = failure
        effects.append(.finished(report))
        step = .idle
        ranges = []
        // A round with much to repair is followed by the next at once.
        nextWakeup = peers.isEmpty ? nil : report.missing >= settings.maximumRepairs ? now : now + settings.interval
    }
}
