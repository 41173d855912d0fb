import Primitives

/// Why an operation of a compound did not end well, or not yet.
enum Stop: Error, Hashable {
    case status(NFSStatus)
    /// The status, and what the result holds behind it.
    case result(NFSStatus, [UInt8])
    /// The compound was carried out before: its reply is sent again, or that it was not kept.
    case replay(NFSStatus)
    /// The last request of an owner came again (4.0): it is answered as before, and the current handle is what it was then.
    case again(NFSStatus, [UInt8], FileHandle?)
    /// It is run again from its beginning when the seam has answered.
    case waiting

    var isError: Bool {
        switch self {
        case .status(let status), .result(let status, _), .replay(let status), .again(let status, _, _): status != .ok
        case .waiting: false
        }
    }
}

/// The arguments of operations, read as they are carried out: what can not be read is NFS4ERR_BADXDR of that operation, and
/// those before it have their results (RFC 8881 §16.2.3).
struct Arguments: Sendable {
    private var reader: XDRReader
    init(_ reader: XDRReader) { self.reader = reader }

    var remaining: Int { reader.remaining }

    private mutating func read<Value>(_ body: (inout XDRReader) throws(XDRError) -> Value) throws(Stop) -> Value {
        do { return try body(&reader) } catch { throw .status(.badxdr) }
    }

    mutating func uint32() throws(Stop) -> UInt32 { try read { (reader) throws(XDRError) in try reader.uint32() } }
    mutating func uint64() throws(Stop) -> UInt64 { try read { (reader) throws(XDRError) in try reader.uint64() } }
    mutating func bool() throws(Stop) -> Bool { try read { (reader) throws(XDRError) in try reader.bool() } }
    mutating func fixed(_ count: Int) throws(Stop) -> ArraySlice<UInt8> {
        try read { (reader) throws(XDRError) in try reader.fixed(count) }
    }
    mutating func opaque(limit: Int) throws(Stop) -> ArraySlice<UInt8> {
        try read { (reader) throws(XDRError) in try reader.opaque(limit: limit) }
    }
    mutating func count(limit: Int, minimumSize: Int = 4) throws(Stop) -> Int {
        try read { (reader) throws(XDRError) in try reader.count(limit: limit, minimumSize: minimumSize) }
    }

    /// component4. What no name can be is refused here; whether it exists is the file system's to say.
    mutating func name() throws(Stop) -> [UInt8] {
        let name = Array(try opaque(limit: 1 << 16))
        guard !name.isEmpty else { throw .status(.inval) }
        guard name.count <= 255 else { throw .status(.nametoolong) }
        guard !name.contains(0), !name.contains(UInt8(ascii: "/")) else { throw .status(.badchar) }
        guard !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else { throw .status(.badname) }
        return name
    }

    mutating func stateID() throws(Stop) -> StateID {
        StateID(sequence: try uint32(), boot: try uint32(), number: try uint64())
    }

    mutating func sessionKey() throws(Stop) -> SessionKey {
        SessionKey(client: ClientID(rawValue: try uint64()), number: try uint64())
    }

    mutating func bitmap() throws(Stop) -> AttributeSet {
        var words: [UInt32] = []
        for _ in 0..<(try count(limit: 16)) { words.append(try uint32()) }
        return AttributeSet(words: words)
    }
}
