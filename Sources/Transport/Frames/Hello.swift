internal import Primitives

/// The number that a node carries through one run of its process: a peer that comes back with
/// another one has forgotten what was in its memory.
package typealias Incarnation = UInt64

/// What a connection is for; said in the hello by the side that dialled.
enum Purpose: UInt32, Sendable {
    case control = 0
    case bulk = 1
    case sync = 2
}

/// The first frame of either side of a connection, XDR in the header of a `hello`.
///
/// The side that dialled speaks first, as soon as TLS is up; the other side answers with its own,
/// or with a `fatal`. The dialler may send messages right behind its hello: it knows from the
/// certificate whom it talks to, and the other side reads in order.
struct Hello: Hashable, Sendable, XDRCodable {
    static let magic: UInt32 = 0x4154_4F4C  // "ATOL"
    /// The range of wire versions that this build can speak.
    static let versions: ClosedRange<UInt32> = 1...1

    var oldest: UInt32 = Hello.versions.lowerBound
    var newest: UInt32 = Hello.versions.upperBound
    var cluster: String
    var node: NodeID
    var region: RegionID
    var incarnation: Incarnation
    /// Over the settings on which all nodes of a cluster must agree.
    var settings: Digest
    var purpose: Purpose
    /// Which of the bulk flows this is; 0 elsewhere.
    var flow: UInt32
    /// Whom the dialler means to reach; nil where it knows an address only (`sync`).
    var expects: NodeID?

    func encode(to writer: inout XDRWriter) {
        writer.write(Self.magic)
        writer.write(oldest)
        writer.write(newest)
        writer.write(cluster)
        writer.write(node)
        writer.write(region)
        writer.write(incarnation)
        writer.write(settings)
        writer.write(purpose.rawValue)
        writer.write(flow)
        writer.write(expects)
    }
}

extension Hello {
    init(from reader: inout XDRReader) throws(XDRError) {
        let magic = try reader.uint32()
        guard magic == Self.magic else { throw .badValue(what: "hello of an Atoll node", value: UInt64(magic)) }
        oldest = try reader.uint32()
        newest = try reader.uint32()
        cluster = try reader.string(limit: 64)
        node = try reader.value()
        region = try reader.value()
        incarnation = try reader.uint64()
        settings = try reader.value()
        let raw = try reader.uint32()
        guard let purpose = Purpose(rawValue: raw) else { throw .badValue(what: "purpose of a connection", value: UInt64(raw)) }
        self.purpose = purpose
        flow = try reader.uint32()
        expects = try reader.optional()
    }

    /// Reads a hello of any version: a newer one may have more behind what is known here.
    init(header: [UInt8]) throws(XDRError) {
        var reader = XDRReader(header)
        try self.init(from: &reader)
        if newest <= Self.versions.upperBound { try reader.finish() }
    }
}

/// Why a connection is refused; in the header of a `fatal`, so that the other side can say it too.
struct Refusal: Hashable, Sendable, XDRCodable, CustomStringConvertible {
    enum Code: UInt32, Sendable {
        case malformed = 1
        case wireVersion = 2
        case cluster = 3
        case identity = 4
        case settings = 5
        case wrongNode = 6
        case busy = 7
        case stopping = 8
        case timeout = 9
        case unknown = 10
    }
    static let textLimit = 1_024
    var code: Code
    var text: String

    init(_ code: Code, _ text: String) {
        self.code = code
        self.text = String(text.prefix(Self.textLimit / 4))
    }

    init(from reader: inout XDRReader) throws(XDRError) {
        code = Code(rawValue: try reader.uint32()) ?? .unknown
        text = try reader.string(limit: Self.textLimit)
    }

    func encode(to writer: inout XDRWriter) {
        writer.write(code.rawValue)
        writer.write(text)
    }

    var description: String { text }
}

extension Hello {
    /// What is wrong with a hello received, seen from `me`; nil where nothing is.
    /// `certified` is the name in the sender's certificate; `dialled` is whom we meant to reach.
    func objection(certified: PeerName, me: Hello, dialled: NodeID?) -> Refusal? {
        if newest < Self.versions.lowerBound || oldest > Self.versions.upperBound || oldest > newest {
            return Refusal(
                .wireVersion,
                "\(node) speaks wire versions \(oldest) to \(newest), \(me.node) speaks \(me.oldest) to \(me.newest); upgrade the older of the two"
            )
        }
        if cluster != me.cluster {
            return Refusal(.cluster, "\(node) is of cluster \(cluster), \(me.node) of cluster \(me.cluster)")
        }
        if certified.cluster != cluster || certified.node != node {
            return Refusal(.identity, "it says it is \(node) of cluster \(cluster), its certificate names \(certified)")
        }
        if let dialled, dialled != node { return Refusal(.wrongNode, "meant to reach \(dialled), reached \(node)") }
        if let expects, expects != me.node { return Refusal(.wrongNode, "\(node) meant to reach \(expects), reached \(me.node)") }
        if settings != me.settings {
            return Refusal(
                .settings,
                "cluster settings differ: \(settings) at \(node), \(me.settings) at \(me.node); give both the same cluster configuration")
        }
        return nil
    }
}
