package import Primitives

// The wire form of link rules, by which a local cluster's nodes are told of them. Optional numbers
// are XDR optionals, durations are hypers of nanoseconds.

extension LinkRule: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(delay.inNanoseconds)
        writer.write(jitter.inNanoseconds)
        writer.write(loss)
        writer.write(UInt64(window ?? 0))
        writer.write(UInt64(capacity ?? 0))
        writer.write(isBlocked)
        writer.write(isPaused)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let delay = Duration.nanoseconds(try reader.int64())
        let jitter = Duration.nanoseconds(try reader.int64())
        let loss = try reader.double()
        let window = Int(truncatingIfNeeded: min(try reader.uint64(), UInt64(Int.max)))
        let capacity = Int(truncatingIfNeeded: min(try reader.uint64(), UInt64(Int.max)))
        self = LinkRule(
            delay: delay, jitter: jitter, loss: loss, window: window == 0 ? nil : window, capacity: capacity == 0 ? nil : capacity,
            isBlocked: try reader.bool(), isPaused: try reader.bool()
        ).clamped()
    }
}

extension LinkPlace: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        switch self {
        case .anywhere: writer.write(UInt32(0))
        case .region(let region):
            writer.write(UInt32(1))
            writer.write(region)
        case .outside(let region):
            writer.write(UInt32(2))
            writer.write(region)
        case .node(let node):
            writer.write(UInt32(3))
            writer.write(node)
        case .notNode(let node):
            writer.write(UInt32(4))
            writer.write(node)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let tag = try reader.uint32()
        switch tag {
        case 0: self = .anywhere
        case 1: self = .region(try reader.value())
        case 2: self = .outside(try reader.value())
        case 3: self = .node(try reader.value())
        case 4: self = .notNode(try reader.value())
        default: throw .badValue(what: "place of a link", value: UInt64(tag))
        }
    }
}

extension LinkFault: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(from)
        writer.write(to)
        switch kind {
        case .block: writer.write(UInt32(0))
        case .pause: writer.write(UInt32(1))
        case .slow(let delay, let loss):
            writer.write(UInt32(2))
            writer.write(delay.inNanoseconds)
            writer.write(loss)
        }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let from = try reader.value(LinkPlace.self)
        let to = try reader.value(LinkPlace.self)
        let tag = try reader.uint32()
        switch tag {
        case 0: self.init(from: from, to: to, kind: .block)
        case 1: self.init(from: from, to: to, kind: .pause)
        case 2: self.init(from: from, to: to, kind: .slow(delay: .nanoseconds(try reader.int64()), loss: try reader.double()))
        default: throw .badValue(what: "kind of link fault", value: UInt64(tag))
        }
    }
}

extension LinkRules: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(UInt32(1))  // version of this form
        writer.write(seed)
        writer.write(stallLimit.inNanoseconds)
        writer.write(UInt32(links.count))
        for link in links {
            writer.write(link.from)
            writer.write(link.to)
            writer.write(link.rule)
        }
        writer.write(faults)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init()
        let version = try reader.uint32()
        guard version == 1 else { throw .badValue(what: "version of link rules", value: UInt64(version)) }
        seed = try reader.uint64()
        stallLimit = .nanoseconds(min(max(try reader.int64(), 1_000_000_000), 3_600_000_000_000))
        for _ in 0..<(try reader.count(limit: Self.linkLimit, minimumSize: 48)) {
            let from = try reader.value(RegionID.self)
            let to = try reader.value(RegionID.self)
            self[from, to] = try reader.value(LinkRule.self)
        }
        faults = try reader.array(limit: Self.faultLimit)
    }
}
