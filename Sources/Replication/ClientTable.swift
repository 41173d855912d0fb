package import Primitives

/// A client of replicated state machines: 128 random bits, new for each run of a node.
package struct ClientID: Hashable, Comparable, Sendable, XDRCodable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
    package static func < (a: ClientID, b: ClientID) -> Bool { (a.high, a.low) < (b.high, b.low) }
    package var description: String { "c" + Base62.encode(high: high, low: low) }
    package func encode(to writer: inout XDRWriter) {
        writer.write(high)
        writer.write(low)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(high: try reader.uint64(), low: try reader.uint64())
    }
}

/// What makes a proposal safe to send again: see `ClientTable`.
package struct ClientStamp: Hashable, Sendable, XDRCodable {
    package let client: ClientID
    /// Counts the client's proposals, from 1. A proposal keeps its number when it is sent again.
    package let sequence: UInt64
    /// The client has the results of all proposals up to this one, and will ask for none of them again.
    package let acknowledged: UInt64
    /// The index that the client's node had applied of this log when the client began its session.
    package let opened: UInt64

    package init(client: ClientID, sequence: UInt64, acknowledged: UInt64, opened: UInt64) {
        precondition(sequence > acknowledged, "proposal \(sequence) of \(client) is acknowledged already")
        self.client = client
        self.sequence = sequence
        self.acknowledged = acknowledged
        self.opened = opened
    }

    package func encode(to writer: inout XDRWriter) {
        writer.write(client)
        writer.write(sequence)
        writer.write(acknowledged)
        writer.write(opened)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let client: ClientID = try reader.value()
        let sequence = try reader.uint64()
        let acknowledged = try reader.uint64()
        guard sequence > acknowledged else { throw .badValue(what: "sequence of a client", value: sequence) }
        self.init(client: client, sequence: sequence, acknowledged: acknowledged, opened: try reader.uint64())
    }
}

/// What to do with a stamped proposal that comes out of the log.
package enum ClientAdmission: Hashable, Sendable {
    /// Not seen before: apply it, then `record` its result.
    case fresh
    /// Applied earlier: answer with these bytes, change nothing.
    case duplicate([UInt8])
    /// The client has acknowledged its result already: nobody waits for an answer.
    case stale
    /// The session is unknown and may have been evicted: whether the proposal was applied is not
    /// known. Begin a new session with `opened` at least `horizon`.
    case expired(horizon: UInt64)
    /// More results would be outstanding than `window`; acknowledge some first.
    case tooFarAhead(window: Int)
}

/// Bounds of a `ClientTable`. They are part of the replicated state: all replicas evict alike.
package struct ClientTableLimits: Hashable, Sendable {
    /// Sessions; default 4,096, range 1...65,536. A node needs one for each log that it proposes to.
    package var sessions = 4_096
    /// Results kept for one client; default 1,024, range 1...65,536. At least the pipeline depth of a proposer.
    package var window = 1_024
    /// Bytes of results kept for all clients; default 16 MiB, range 4 KiB...1 GiB. Past it the
    /// clients that were idle longest lose their sessions.
    package var resultBytes = 16 << 20
    /// A session that was idle for longer may be dropped; default one hour, from one minute up.
    package var idle: Duration = .seconds(3_600)
    package init() {}
}

/// Retry-safe proposals: remembers what each client has had applied, so that a proposal sent twice
/// takes effect once (Ongaro, "Consensus: Bridging Theory and Practice", §6.3). Part of every state
/// machine of the project; use is
///
///     switch clients.admit(stamp, index: index, at: command.at) {
///     case .fresh:
///         let result = perform(command)
///         clients.record(stamp, result: result.xdrBytes)
///     …
///
/// A client may have many proposals in flight, and they may come out of the log in any order: the
/// table keeps every result above what the client has acknowledged, not just the last.
///
/// Deviations from the dissertation:
/// - No command registers a session; the first proposal does. That an evicted session cannot
///   register again (and apply an old proposal twice) is seen from `opened`: the eviction of a
///   session raises `horizon` to the last index at which it was used, its own `opened` is below
///   that, and no unknown client with an `opened` below the horizon is let in.
/// - Sessions end by capacity and by the time written in the commands, never by a replica's clock.
package struct ClientTable: Sendable, Equatable {
    struct Session: Sendable, Equatable {
        var acknowledged: UInt64
        var lastIndex: UInt64
        var lastTime: WallTime
        /// Results above `acknowledged`, by sequence number.
        var results: OrderedTable<UInt64, [UInt8]>
    }

    struct Use: Comparable, Sendable {
        let index: UInt64
        let client: ClientID
        static func < (a: Use, b: Use) -> Bool { (a.index, a.client) < (b.index, b.client) }
    }

    package let limits: ClientTableLimits
    package internal(set) var horizon: UInt64 = 0
    package internal(set) var resultBytes = 0
    var sessions = OrderedTable<ClientID, Session>()
    /// Longest idle first.
    var byUse = OrderedTable<Use, Bool>()

    package init(limits: ClientTableLimits = ClientTableLimits()) { self.limits = limits }

    package var count: Int { sessions.count }

    /// Decides about a proposal. `index` is that of its log entry, `at` the time written in it.
    package mutating func admit(_ stamp: ClientStamp, index: UInt64, at time: WallTime) -> ClientAdmission {
        evictIdle(at: time)
        guard let session = sessions[stamp.client] else {
            guard stamp.opened >= horizon, stamp.acknowledged == 0 else { return .expired(horizon: horizon) }
            guard stamp.sequence <= UInt64(limits.window) else { return .tooFarAhead(window: limits.window) }
            if sessions.count >= limits.sessions { evictOldest() }
            sessions[stamp.client] = Session(acknowledged: 0, lastIndex: index, lastTime: time, results: OrderedTable())
            byUse[Use(index: index, client: stamp.client)] = true
            return .fresh
        }
        touch(stamp.client, session, index: index, time: time, acknowledged: stamp.acknowledged)
        if stamp.sequence <= session.acknowledged { return .stale }
        if let bytes = session.results[stamp.sequence] { return .duplicate(bytes) }
        guard stamp.sequence - max(session.acknowledged, stamp.acknowledged) <= UInt64(limits.window) else {
            return .tooFarAhead(window: limits.window)
        }
        return .fresh
    }

    /// Keeps the result of a proposal that was admitted as fresh.
    package mutating func record(_ stamp: ClientStamp, result: [UInt8]) {
        let isNew = sessions.update(stamp.client) { $0.results.insert(stamp.sequence, result) == nil }
        precondition(isNew == true, "result of proposal \(stamp.sequence) of \(stamp.client), which was not admitted")
        resultBytes += result.count
        while resultBytes > limits.resultBytes, let oldest = byUse.first, oldest.key.client != stamp.client { evictOldest() }
    }

    private mutating func touch(
        _ client: ClientID, _ session: Session, index: UInt64, time: WallTime, acknowledged: UInt64
    ) {
        _ = byUse.remove(Use(index: session.lastIndex, client: client))
        let last = max(index, session.lastIndex)
        byUse[Use(index: last, client: client)] = true
        var freed = 0
        _ = sessions.update(client) { session in
            session.lastIndex = last
            session.lastTime = max(session.lastTime, time)
            guard acknowledged > session.acknowledged else { return }
            session.acknowledged = acknowledged
            while let first = session.results.first, first.key <= acknowledged {
                freed += first.value.count
                _ = session.results.removeFirst()
            }
        }
        resultBytes -= freed
    }

    private mutating func evictIdle(at time: WallTime) {
        while let oldest = byUse.first, let session = sessions[oldest.key.client], session.lastTime + limits.idle < time { evictOldest() }
    }

    private mutating func evictOldest() {
        guard let oldest = byUse.removeFirst(), let session = sessions.remove(oldest.key.client) else { return }
        horizon = max(horizon, session.lastIndex)
        for (_, bytes) in session.results { resultBytes -= bytes.count }
    }

    package func checkInvariants() {
        precondition(sessions.count == byUse.count, "\(sessions.count) sessions, \(byUse.count) by use")
        precondition(sessions.count <= limits.sessions, "more sessions than \(limits.sessions)")
        var bytes = 0
        for (client, session) in sessions {
            precondition(byUse.contains(Use(index: session.lastIndex, client: client)), "\(client) is not in the order of use")
            precondition((session.results.first?.key ?? .max) > session.acknowledged, "\(client) keeps an acknowledged result")
            precondition(session.results.count <= limits.window, "\(client) keeps too many results")
            for (_, result) in session.results { bytes += result.count }
        }
        precondition(bytes == resultBytes, "result bytes \(resultBytes), in fact \(bytes)")
    }
}

extension ClientTable: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(UInt32(limits.sessions))
        writer.write(UInt32(limits.window))
        writer.write(UInt32(limits.resultBytes))
        writer.write(limits.idle)
        writer.write(horizon)
        writer.write(UInt32(sessions.count))
        for (client, session) in sessions {
            writer.write(client)
            writer.write(session.acknowledged)
            writer.write(session.lastIndex)
            writer.write(session.lastTime)
            writer.write(UInt32(session.results.count))
            for (sequence, bytes) in session.results {
                writer.write(sequence)
                writer.write(opaque: bytes)
            }
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        var limits = ClientTableLimits()
        limits.sessions = Int(try reader.uint32("limit of sessions", in: 1...65_536))
        limits.window = Int(try reader.uint32("limit of results", in: 1...65_536))
        limits.resultBytes = Int(try reader.uint32("limit of result bytes", in: 1...(1 << 30)))
        limits.idle = try reader.duration()
        self.init(limits: limits)
        horizon = try reader.uint64()
        for position in 0..<(try reader.count(limit: limits.sessions, minimumSize: 44)) {
            let client: ClientID = try reader.value()
            if let last = sessions.last, last.key >= client { throw .badValue(what: "ascending client", value: UInt64(position)) }
            var session = Session(
                acknowledged: try reader.uint64(), lastIndex: try reader.uint64(), lastTime: try reader.value(), results: OrderedTable())
            for _ in 0..<(try reader.count(limit: limits.window, minimumSize: 12)) {
                let sequence = try reader.uint64()
                guard sequence > session.results.last?.key ?? session.acknowledged else {
                    throw .badValue(what: "ascending sequence", value: sequence)
                }
                let bytes = Array(try reader.opaque())
                resultBytes += bytes.count
                _ = session.results.insert(sequence, bytes)
            }
            byUse[Use(index: session.lastIndex, client: client)] = true
            sessions[client] = session
        }
    }
}
