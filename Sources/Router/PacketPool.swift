internal import Glibc

/// Room for packets that are on their way: one piece of memory, of which the system gives what is used.
struct PacketPool: ~Copyable {
    /// Bytes of a packet at most: the MTU, rounded up.
    static let stride = 1_536
    /// Of all links: 48 MB.
    static let limit = 32_768

    private let memory: UnsafeMutableRawPointer
    private var free: [Int32]

    init() {
        memory = .allocate(byteCount: Self.limit * Self.stride, alignment: 64)
        // The first places are taken first and again, so that memory stays warm.
        free = (0..<Int32(Self.limit)).reversed()
    }

    deinit { memory.deallocate() }

    mutating func take() -> Int32? { free.popLast() }
    mutating func give(_ slot: Int32) { free.append(slot) }
    func buffer(_ slot: Int32) -> UnsafeMutableRawPointer { memory + Int(slot) * Self.stride }
}
