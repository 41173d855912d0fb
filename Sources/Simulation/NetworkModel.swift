import Primitives
import Workloads

/// What every network has beside distance; all of it may change while the world runs.
package struct NetworkWeather: Hashable, Sendable {
    /// Packets lost, in 1/10,000.
    package var loss = 0
    /// Datagrams that arrive twice, and that others overtake, in 1/10,000.
    package var duplication = 0
    package var reordering = 0
    /// The jitter of the map, in percent.
    package var jitter = 100
    /// Whether a connection that was idle begins anew with a small window. A local cluster's shaped links
    /// have their windows open.
    package var slowStart = true
    /// Whether a window leaves at once and more waits for its acknowledgements (as on a link that is fast
    /// beside its window), instead of being paced evenly: for latencies of transfers of a few windows.
    package var isAckClocked = false
    /// Flows of a connection's bulk lane: a message of more than a frame is spread over them.
    package var bulkFlows = 1
    package init() {}
}

/// One direction between two regions.
struct Path {
    /// One way, in nanoseconds; what a level shift has added to it.
    var delay: Int64
    var shift: Int64 = 0
    /// Standard deviation of one way.
    var deviation: Int64
    var bytesPerSecond: Int64
    var window: Int64
    /// Additional loss of this path, in 1/10,000.
    var loss = 0
    /// Until when the link is taken, were all that was put on it sent one after the other.
    var takenUntil: Int64 = 0

    var roundTrip: Int64 { max(1, 2 * (delay + shift)) }

    init(_ link: RegionMap.Link) {
        delay = link.roundTrip.inNanoseconds / 2
        // Mean deviation of a round trip to standard deviation of one way (see `RegionMapFile.deviation`).
        deviation = link.jitter.inNanoseconds * 886 / 1_000
        bytesPerSecond = Int64(clamping: max(1, link.bytesPerSecond))
        window = Int64(clamping: max(65_536, link.flowWindow))
    }

    /// Time on the wire, without what the bytes themselves take.
    func travel(_ weather: NetworkWeather, _ chance: inout SeededGenerator) -> Int64 {
        // Three uniform draws come close to a bell curve, and need no function of the C library.
        let draw = Int64(chance.next() >> 48) + Int64(chance.next() >> 48) + Int64(chance.next() >> 48) - 98_304
        let noise = deviation * Int64(weather.jitter) / 100 * draw / 32_768
        return max((delay + shift) * 9 / 10, delay + shift + noise)
    }

    /// Takes the link for some bytes; when the last of them has left.
    mutating func take(_ bytes: Int64, from start: Int64, now: Int64) -> Int64 {
        takenUntil = max(takenUntil, now) + bytes * 1_000_000_000 / bytesPerSecond
        return max(start, takenUntil)
    }
}

/// One TCP connection in one direction: slow start, then a window a round trip. Paced as the generic
/// cell rate algorithm (ITU-T I.371) paces cells: a window may leave at once, more waits its turn.
struct Flow {
    static let initialWindow: Int64 = 14_600
    private var window = Self.initialWindow
    /// The virtual time up to which the window is used.
    private var pacedUntil: Int64 = 0
    private var lastUse: Int64 = 0
    /// Nothing overtakes within a connection.
    private var lastArrival: Int64 = 0
    /// What is on its way, and when it will have been acknowledged.
    private var unacknowledged: [(at: Int64, bytes: Int64)] = []
    private(set) var lastDeparture: Int64 = 0

    /// When a message that is sent now arrives, all of it.
    mutating func send(_ bytes: Int64, _ path: inout Path, now: Int64, _ weather: NetworkWeather, _ chance: inout SeededGenerator) -> Int64
    {
        let roundTrip = path.roundTrip
        // After a second without traffic slow start begins anew (RFC 5681 §4.1).
        if !weather.slowStart {
            window = max(window, path.window)
        } else if now - lastUse > max(1_000_000_000, 4 * roundTrip) {
            window = Self.initialWindow
        }
        lastUse = now
        var arrival =
            (weather.isAckClocked ? leave(bytes, &path, now) : pace(bytes, &path, now)) + path.travel(weather, &chance)
        let loss = weather.loss + path.loss
        if loss > 0 {
            let packets = bytes / 1_460 + 1
            let isLost = chance.below(10_000) < Int(min(9_999, packets * Int64(loss)))
            if isLost {
                // A long flow notices by duplicate acknowledgements, a short one by its timer (RFC 6298 §2).
                arrival += packets > 3 ? roundTrip : max(200_000_000, roundTrip * 3 / 2)
                window = max(Self.initialWindow, window / 2)
            }
        }
        lastArrival = max(lastArrival + 1, arrival)
        return lastArrival
    }

    /// When the last of the bytes has left, paced evenly.
    private mutating func pace(_ bytes: Int64, _ path: inout Path, _ now: Int64) -> Int64 {
        let roundTrip = path.roundTrip
        pacedUntil = max(pacedUntil, now - roundTrip)
        var left = bytes
        while left > 0 {
            let piece = min(left, window)
            pacedUntil += roundTrip * piece / window
            window = min(path.window, window + piece)
            left -= piece
        }
        return path.take(bytes, from: max(now, pacedUntil), now: now)
    }

    /// When the last of the bytes has left, each as soon as the window and the link let it. In slow start an
    /// acknowledgement makes room for twice what it acknowledges.
    private mutating func leave(_ bytes: Int64, _ path: inout Path, _ now: Int64) -> Int64 {
        var time = max(now, lastDeparture)
        var left = bytes
        var waiting = unacknowledged.reduce(0) { $0 + $1.bytes }
        while left > 0 {
            while let first = unacknowledged.first, first.at <= time {
                unacknowledged.removeFirst()
                waiting -= first.bytes
                window = min(path.window, window + first.bytes)
            }
            let room = min(window - waiting, max(1_460, window / 16))
            guard room > 0 else {
                time = unacknowledged.first?.at ?? time
                continue
            }
            let piece = min(left, room)
            // What waits for its window takes nothing of the link meanwhile: other flows use it.
            time = path.take(piece, from: time, now: now)
            unacknowledged.append((time + path.roundTrip, piece))
            waiting += piece
            left -= piece
        }
        lastDeparture = time
        return time
    }
}

/// A node's connection to another: its lanes share their fate. Messages wait while the path is cut,
/// as TCP would send them again; after some seconds the connection breaks and they are lost.
struct Connection {
    enum State { case closed, dialling, open }
    var state = State.closed
    /// The host wants it: dialled again when it is lost.
    var isWanted = false
    /// Counts openings; what was sent on an earlier one never arrives.
    var epoch: UInt32 = 0
    var control = Flow()
    var bulk = Flow()
    /// The bulk lane's other flows, made when they are needed.
    private var moreBulk: [Flow] = []
    /// The live data plane's frame of chunks.
    private static let frameBytes: Int64 = 4 << 20
    var stalledSince: Int64?
    /// What waits for the path, with its size.
    var stalled: [(bytes: Int64, isBulk: Bool, action: World.Action)] = []
    static let stalledMax = 4_096

    /// When a message on the bulk lane arrives, all of it: each frame goes to the flow that has the least to do.
    mutating func sendBulk(_ bytes: Int64, _ path: inout Path, now: Int64, _ weather: NetworkWeather, _ chance: inout SeededGenerator)
        -> Int64
    {
        guard weather.bulkFlows > 1 else { return bulk.send(bytes, &path, now: now, weather, &chance) }
        while moreBulk.count < weather.bulkFlows - 1 { moreBulk.append(Flow()) }
        var left = bytes
        var arrival = now
        while left > 0 {
            let frame = min(left, Self.frameBytes)
            left -= frame
            if let place = moreBulk.indices.min(by: { moreBulk[$0].lastDeparture < moreBulk[$1].lastDeparture }),
                moreBulk[place].lastDeparture < bulk.lastDeparture, bulk.lastDeparture > now
            {
                arrival = max(arrival, moreBulk[place].send(frame, &path, now: now, weather, &chance))
            } else {
                arrival = max(arrival, bulk.send(frame, &path, now: now, weather, &chance))
            }
        }
        return arrival
    }
}
