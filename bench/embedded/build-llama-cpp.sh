#!/bin/sh
# Builds llama-batched-bench and llama-server into FOLDER, for bench/embedded.ts: their source is the release that node-llama-cpp brings with it, and they are linked against the very
# libraries that the embedded engine loads. So all run the same machine code below llama.h, and what is compared is what drives it. Linux x64; needs git, cmake, ninja and g++; some ten minutes.
#
#   bench/embedded/build-llama-cpp.sh FOLDER
set -eu
modules=$(cd "$(dirname "$0")/../../node_modules" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
source=$folder/source
build=$folder/build
[ -d "$source" ] || git clone -q "$modules/node-llama-cpp/llama/gitRelease.bundle" "$source"
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON \
  -DLLAMA_OPENSSL=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DMTMD_VIDEO=OFF > "$folder/cmake.log"
# Only what the two programs add to the libraries.
cd "$build"
objects_of() {
  ninja -t targets all | sed -n 's/: CXX_COMPILER.*//p; s/: C_COMPILER.*//p' | grep -E "^($1).*\.o$" | grep -v -E 'mtmd-cli|mtmd-debug|deprecation|ui-embed'
}
bench=$(objects_of 'tools/batched-bench/')
server=$(objects_of 'tools/(server|mtmd|ui)/|vendor/')
ninja $bench $server
ln -sf "$modules"/@node-llama-cpp/linux-x64/bins/linux-x64/*.so "$folder"
libraries="-L$folder -l:libllama-common.so -l:$(basename "$folder"/libllama.v*.so) -l:$(basename "$folder"/libggml.v*.so) -l:libggml-base.so"
g++ -o "$folder/llama-batched-bench" $bench $libraries -Wl,-rpath,'$ORIGIN' -pthread
g++ -o "$folder/llama-server" $server $libraries -Wl,-rpath,'$ORIGIN' -pthread
echo "LLAMA_CPP_BIN=$folder"
