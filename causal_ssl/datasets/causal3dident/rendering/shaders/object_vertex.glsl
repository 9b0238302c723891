// The object, placed in the world and seen by the camera.

uniform mat4 camera;
uniform mat3 turn;
uniform float size;
uniform vec3 place;
uniform vec3 eye;

in vec3 vertex;
in vec3 normal;

out vec3 to_eye;
out vec3 smooth_normal;

void main() {
    vec3 world = turn * vertex * size + place;
    to_eye = eye - world;
    smooth_normal = turn * normal;
    gl_Position = camera * vec4(world, 1.0);
}
