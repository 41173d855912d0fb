// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A target of Atoll with the project's language settings.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A target that simulation runs millions of times: optimised in debug builds too, with every assertion and check of these.
/// For a debugger's sake `ATOLL_PLAIN=1 swift build` leaves that out. Whole modules need threads there: their objects are
/// per file then, which the index of a debug build wants.
func core(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    let fast: SwiftSetting = .unsafeFlags(
        [
            "-O", "-whole-module-optimization", "-disable-batch-mode", "-num-threads", "2", "-enable-default-cmo",
            "-assert-config", "Debug",
        ],
        .when(configuration: .debug))
    return .target(
        name: name, dependencies: dependencies, swiftSettings: strict + (Context.environment["ATOLL_PLAIN"] == nil ? [fast] : []))
}

/// The tests of one target; scripts lie beside them in `Scripts` and are read from the source tree.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        exclude: scripted.contains(name) ? ["Scripts"] : [], swiftSettings: strict)
}

/// The targets whose tests have a `Scripts` folder.
let scripted: Set<String> = [
    "Primitives", "Consensus", "Membership", "Namespace", "Chunks", "Replication", "Filesystem", "NodeCore", "NFSProtocol", "Workloads",
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "atoll",
    products: [.executable(name: "atoll", targets: ["atoll"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        // Bottom-up: imports only go down this list (Tests/TidyTests holds it to that).
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "CZstd"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CFuse"),
        core("Primitives", ["COpenSSL", deque]),
        core("Chunks", ["Primitives"]),
        core("Namespace", ["Primitives"]),
        core("Consensus", ["Primitives"]),
        core("Membership", ["Primitives"]),
        core("Replication", ["Primitives"]),
        core("Filesystem", ["Primitives", "Namespace"]),
        core("NodeCore", ["Primitives", "Chunks", "Namespace", "Consensus", "Membership", "Replication", "Filesystem"]),
        module("NFSProtocol", ["Primitives", "Filesystem"]),
        core("Workloads", ["Primitives", "Filesystem"]),
        core(
            "Simulation", ["Primitives", "Namespace", "Consensus", "Membership", "Replication", "Filesystem", "NodeCore", "Workloads"]),
        // Everything above is pure; everything below does I/O.
        core("Storage", ["Primitives", "Chunks", "CSQLite", "CZstd", "COpenSSL"]),
        core("ReplicaStorage", ["Primitives", "Consensus", "NodeCore", "Storage"]),
        core(
            "StorageSimulation",
            ["Primitives", "Chunks", "Consensus", "NodeCore", "ReplicaStorage", "Simulation", "Storage", "CSQLite"]),
        module("Transport", ["Primitives", "COpenSSL", nioCore, nioPosix, nioTLS, nioSSL, logging]),
        module("Router", ["Primitives", "Transport", "CLinux"]),
        module(
            "NodeRuntime",
            [
                "Primitives", "Chunks", "Namespace", "Consensus", "Membership", "Replication", "Filesystem", "NodeCore", "Storage",
                "ReplicaStorage", "Transport", deque, nioCore, nioPosix, logging,
            ]),
        module("Reports", ["Primitives", "Workloads"]),
        module("Comparison", ["Primitives", "Filesystem", "Workloads", "Simulation", "Reports", yams]),
        module("APISchema", ["Primitives", "Filesystem"]),
        module(
            "ControlPlane",
            [
                "Primitives", "Filesystem", "Replication", "NodeRuntime", "APISchema", hummingbird, nioCore, nioPosix, httpTypes, logging,
                lifecycle,
            ]),
        module("APIClient", ["Primitives", "Filesystem", "APISchema", httpClient, nioCore, nioPosix, nioHTTP1]),
        module(
            "NFSServer",
            ["Primitives", "Filesystem", "Replication", "NFSProtocol", "NodeRuntime", nioCore, nioPosix, logging]),
        module("FUSEMount", ["Primitives", "Filesystem", "CFuse", nioCore]),
        .executableTarget(
            name: "atoll",
            dependencies: [
                "Primitives", "Chunks", "Namespace", "Consensus", "Membership", "Replication", "Filesystem", "NodeCore", "Workloads",
                "Simulation", "Storage", "ReplicaStorage", "StorageSimulation", "Transport", "Router", "NodeRuntime", "Reports",
                "Comparison", "APISchema", "ControlPlane", "APIClient", "FUSEMount", "NFSProtocol", "NFSServer", "CLinux", "CFuse",
                arguments, logging, yams,
                httpClient, lifecycle, nioCore, nioPosix,
            ],
            swiftSettings: strict),
        .target(name: "TestSupport", dependencies: ["Primitives"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("Primitives", []),
        tests("Chunks", ["Primitives"]),
        tests("Namespace", ["Primitives"]),
        tests("Consensus", ["Primitives"]),
        tests("Membership", ["Primitives"]),
        tests("Replication", ["Primitives"]),
        tests("Filesystem", ["Primitives", "Namespace"]),
        tests("NodeCore", ["Primitives", "Namespace", "Consensus", "Membership", "Replication", "Filesystem"]),
        tests("NFSProtocol", ["Primitives", "Filesystem", "Namespace"]),
        tests("Workloads", ["Primitives", "Filesystem"]),
        tests("Simulation", ["Primitives", "Filesystem", "Workloads", "Reports", "Comparison", "StorageSimulation"]),
        tests("Storage", ["Primitives", "Chunks"]),
        tests("StorageSimulation", ["Primitives", "Chunks", "Comparison", "Simulation", "Storage", "Workloads"]),
        tests("Transport", ["Primitives", nioCore, nioPosix, nioSSL, logging]),
        tests(
            "NodeRuntime",
            ["Primitives", "Chunks", "Consensus", "Filesystem", "NodeCore", "Storage", "Transport", nioCore, nioPosix, logging]),
        tests("Router", ["Primitives", "Transport"]),
        tests("Reports", ["Primitives", "Workloads"]),
        tests("Comparison", ["Primitives", "Filesystem", "Workloads", "Simulation", "Reports"]),
        tests(
            "ControlPlane",
            ["Primitives", "Filesystem", "Replication", "NodeRuntime", "APISchema", "APIClient", httpClient, nioCore, nioPosix, logging]),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "atoll", "Primitives", "Filesystem", "Transport", "APISchema", "APIClient", "Router", "CLinux", nioCore,
            ],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
