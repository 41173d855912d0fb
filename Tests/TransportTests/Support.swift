import Foundation
import Logging
import NIOCore
import NIOPosix
import Primitives
import Synchronization
import Testing

@testable import Transport

/// Threads that all tests share, and which live as long as the process.
let testGroup = MultiThreadedEventLoopGroup(numberOfThreads: 2)

let testLogger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}()

/// How long a test waits for something that should happen at once: generous, because machines are busy.
let patience: TimeAmount = .seconds(30)

/// A list that grows on other threads, and on which a test can wait.
final class Recorder<Element: Sendable>: Sendable {
    private struct Waiter: Sendable {
        let isMet: @Sendable ([Element]) -> Bool
        let promise: EventLoopPromise<Bool>
    }
    private struct State: Sendable {
        var elements: [Element] = []
        var waiters: [Waiter] = []
    }
    private let state = Mutex(State())

    var all: [Element] { state.withLock { $0.elements } }

    func add(_ element: Element) {
        let met: [Waiter] = state.withLock { state in
            state.elements.append(element)
            let met = state.waiters.filter { $0.isMet(state.elements) }
            state.waiters.removeAll { $0.isMet(state.elements) }
            return met
        }
        for waiter in met { waiter.promise.succeed(true) }
    }

    /// Waits until the elements so far meet `condition`; records an issue where they do not in time.
    @discardableResult
    func wait(
        _ comment: Comment, at location: SourceLocation = #_sourceLocation, until condition: @escaping @Sendable ([Element]) -> Bool
    ) async -> [Element] {
        let promise = testGroup.next().makePromise(of: Bool.self)
        let isMet = state.withLock { state in
            if condition(state.elements) { return true }
            state.waiters.append(Waiter(isMet: condition, promise: promise))
            return false
        }
        if isMet { promise.succeed(true) }
        let timer = testGroup.next().scheduleTask(in: patience) { promise.succeed(false) }
        let result = (try? await promise.futureResult.get()) ?? false
        timer.cancel()
        if !result { Issue.record("not in time: \(comment); seen: \(all.suffix(20))", sourceLocation: location) }
        return all
    }
}

/// Looks again until `condition` holds; records an issue where it does not in time. For what tells nobody when it changes.
func eventually(
    _ comment: Comment, at location: SourceLocation = #_sourceLocation, _ condition: @escaping @Sendable () -> Bool
) async {
    let met = Recorder<Bool>()
    let task = testGroup.next().scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) { task in
        guard condition() else { return }
        task.cancel()
        met.add(true)
    }
    await met.wait(comment, at: location) { !$0.isEmpty }
    task.cancel()
}

enum NetworkEvent: Sendable, Equatable {
    case received(NodeID, Lane, [UInt8], Int?)
    case connected(NodeID, Lane, LinkDirection, UInt64)
    case disconnected(NodeID, Lane, LinkDirection, String)
    case sync(NodeID, [UInt8])
    case mark(String)

    var header: [UInt8]? { if case .received(_, _, let header, _) = self { header } else { nil } }
    var lane: Lane? { if case .received(_, let lane, _, _) = self { lane } else { nil } }
    func isConnected(_ lane: Lane, _ direction: LinkDirection) -> Bool {
        if case .connected(_, lane, direction, _) = self { true } else { false }
    }
    /// The reason of an outgoing connection's end.
    var failure: String? { if case .disconnected(_, _, .outgoing, let reason) = self { reason } else { nil } }
}

/// A delegate that writes everything down. It answers a sync with the payload turned round, and sends
/// a control message of one byte, `echo`, back as it came.
final class TestPeer: PeerNetworkDelegate {
    let events = Recorder<NetworkEvent>()
    /// Of the attachments, in the order of their arrival.
    let digests = Recorder<Digest>()
    let network: PeerNetwork
    let port: Int

    init(_ network: PeerNetwork, delegate box: DelegateBox, port: Int) {
        self.network = network
        self.port = port
        box.target.withLock { $0 = self }
    }

    func received(from: NodeID, lane: Lane, header: [UInt8], attachment: ByteBuffer?) {
        if let attachment { digests.add(attachment.withUnsafeReadableBytes { SHA256.hash($0) }) }
        events.add(.received(from, lane, header, attachment?.readableBytes))
    }
    func connected(_ peer: NodeID, lane: Lane, direction: LinkDirection, incarnation: UInt64) {
        events.add(.connected(peer, lane, direction, incarnation))
    }
    func disconnected(_ peer: NodeID, lane: Lane, direction: LinkDirection, reason: String) {
        events.add(.disconnected(peer, lane, direction, reason))
    }
    func syncRequested(from: NodeID, payload: [UInt8], reply: @escaping @Sendable ([UInt8]) -> Void) {
        events.add(.sync(from, payload))
        reply(payload.reversed())
    }

    func knows(_ other: TestPeer, as id: NodeID? = nil, region: String? = nil, connect: Bool = false) {
        network.setPeer(
            PeerAddress(
                id: id ?? other.network.node, region: region.map { RegionID($0) } ?? other.network.region, host: "127.0.0.1",
                port: other.port),
            connect: connect)
    }
}

/// Stands in for the delegate while the network is being started, since a port is known only afterwards.
final class DelegateBox: PeerNetworkDelegate {
    let target = Mutex<TestPeer?>(nil)
    private var peer: TestPeer? { target.withLock { $0 } }
    func received(from: NodeID, lane: Lane, header: [UInt8], attachment: ByteBuffer?) {
        peer?.received(from: from, lane: lane, header: header, attachment: attachment)
    }
    func connected(_ id: NodeID, lane: Lane, direction: LinkDirection, incarnation: UInt64) {
        peer?.connected(id, lane: lane, direction: direction, incarnation: incarnation)
    }
    func disconnected(_ id: NodeID, lane: Lane, direction: LinkDirection, reason: String) {
        peer?.disconnected(id, lane: lane, direction: direction, reason: reason)
    }
    func syncRequested(from: NodeID, payload: [UInt8], reply: @escaping @Sendable ([UInt8]) -> Void) {
        peer?.syncRequested(from: from, payload: payload, reply: reply)
    }
}

/// One authority for all tests that do not need another: making keys costs time.
let testAuthority = try! ClusterAuthority.create(clusterID: "test")

struct PeerOptions {
    var region = "here"
    var identity: TLSIdentity?
    /// A machine that stands still for seconds ends no connection, and with it what was on its way, in tests of other things.
    var settings = {
        var settings = NetworkSettings()
        (settings.pongTimeoutLeast, settings.pongTimeoutMost, settings.dialTimeout) = (.seconds(60), .seconds(60), .seconds(20))
        return settings
    }()
    var clusterSettings = Digest.zero
    var incarnation: UInt64 = 1
    var shaper: LinkShaper?
    var port = 0
}

func makePeer(_ id: UInt64, _ change: (inout PeerOptions) -> Void = { _ in }) async throws -> TestPeer {
    var options = PeerOptions()
    change(&options)
    let network = try PeerNetwork(
        identity: options.identity ?? testAuthority.issue(node: NodeID(id)), region: RegionID(options.region),
        clusterSettings: options.clusterSettings,
        incarnation: options.incarnation, settings: options.settings, group: testGroup, shaper: options.shaper, logger: testLogger)
    let box = DelegateBox()
    let port = try await network.start(host: "127.0.0.1", port: options.port, delegate: box)
    return TestPeer(network, delegate: box, port: port)
}

/// A port for a listener that ends and comes back: below those that the kernel gives to whoever asks for any, so that
/// no other test is given it in between.
func lastingPort() async throws -> Int {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
        let port = Int.random(in: 20_000..<32_000, using: &random)
        guard let probe = try? await ServerBootstrap(group: testGroup).bind(host: "127.0.0.1", port: port).get() else { continue }
        try await probe.close()
        return port
    }
    throw TransportError(.unreachable, "find", "a port", cause: "none of 100 was free", advice: "end what uses them")
}

func stop(_ peers: TestPeer...) async {
    for peer in peers { await peer.network.stop(grace: .milliseconds(200)) }
}

/// A folder of its own, removed when `body` is through.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-transport-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}

func mode(of path: String) throws -> Int {
    (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue ?? -1
}
